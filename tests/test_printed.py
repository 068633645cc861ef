"""Reading printed figures: exact value, size of the last step, refusals."""

from decimal import Decimal, localcontext

import pytest
from builders import cases
from hypothesis import given
from hypothesis import strategies as st
from laws import law

from fxticker.model.printed import InvalidNumber, check_change, check_rate, read_change, read_rate, read_recorded_rate

CASES = cases("printed")


@pytest.mark.parametrize(("text", "value", "decimals", "quantum"), CASES["rate_is_read_exactly"])
def test_rate_is_read_exactly(text, value, decimals, quantum):
    figure = read_rate(text)

    assert figure.value == Decimal(value)
    assert figure.decimals == decimals
    assert figure.quantum == Decimal(quantum)
    assert not figure.minus


@pytest.mark.parametrize("text", ["0", "0.00000", "-0.01144", "\u22120.01144", "-0"])
def test_rate_not_above_zero_is_refused(text):
    with pytest.raises(InvalidNumber, match="above zero"):
        read_rate(text)


@pytest.mark.parametrize("text", ["0.0000000000001", "1" * 30, "1." + "0" * 29, "0." + "1" * 13])
def test_rate_with_too_many_digits_is_refused(text):
    with pytest.raises(InvalidNumber, match="more than 12 digits or 12 decimals"):
        read_rate(text)


@pytest.mark.parametrize("text", CASES["rate_that_is_no_number_is_refused"])
def test_rate_that_is_no_number_is_refused(text):
    with pytest.raises(InvalidNumber, match="not a number"):
        read_rate(text)


@pytest.mark.parametrize("text", ["\u0661.\u0665", "\uff11.5", "1.\u0968", "\u00b2"])
def test_digits_of_other_scripts_are_refused(text):
    with pytest.raises(InvalidNumber, match="not a number"):
        read_rate(text)


@pytest.mark.parametrize(("text", "value", "decimals", "minus"), CASES["percentage_is_read_exactly"])
def test_percentage_is_read_exactly(text, value, decimals, minus):
    figure = read_change(text)

    assert figure.value == Decimal(value)
    assert figure.decimals == decimals
    assert figure.minus is minus


@pytest.mark.parametrize("text", ["-0%", "\u22120%", "-0.00%"])
def test_minus_before_zero_is_recorded_and_the_value_has_no_sign(text):
    figure = read_change(text)

    assert figure.minus
    assert not figure.value.is_signed()


@pytest.mark.parametrize("text", ["0.37", "", "37 percent", "%0.37"])
def test_percentage_without_its_mark_is_refused(text):
    with pytest.raises(InvalidNumber, match="must end in %"):
        read_change(text)


@pytest.mark.parametrize("text", ["%", "-%", "0.37%%", "0.37 %", "- 1%", "+-1%", "\u20111%", "(1)%"])
def test_percentage_that_is_no_number_is_refused(text):
    with pytest.raises(InvalidNumber, match="not a number"):
        read_change(text)


@pytest.mark.parametrize("text", ["0." + "3" * 13 + "%", "3" * 30 + "%", "-" + "3" * 13 + "%"])
def test_percentage_with_too_many_digits_is_refused(text):
    with pytest.raises(InvalidNumber, match="more than 12 digits or 12 decimals"):
        read_change(text)


@pytest.mark.parametrize("read", [read_rate, lambda text: read_change(text + "%"), read_change])
def test_error_for_a_huge_number_shows_only_its_beginning(read):
    with pytest.raises(InvalidNumber) as refusal:
        read("7" * 1_000_000)

    assert len(str(refusal.value)) < 120


@pytest.mark.parametrize("text", ["12,345", "1,000", "-999,999"])
def test_comma_that_may_stand_before_thousands_is_refused(text):
    with pytest.raises(InvalidNumber, match="decimals or thousands"):
        read_change(f"{text}%")


@pytest.mark.parametrize(("text", "value"), [("0,345", "0.345"), ("1234,567", "1234.567"), ("12,34", "12.34")])
def test_comma_that_can_only_stand_before_decimals_is_read(text, value):
    assert read_rate(text).value == Decimal(value)


@pytest.mark.parametrize("text", ["87,420", "12,345", "1087,420", "87,4200", "87.4200", "0.345", "87", "87,4"])
def test_number_of_a_publisher_with_a_decimal_comma_is_read(text):
    assert read_rate(text, ",").value == Decimal(text.replace(",", "."))
    check_rate(text, ",")


@pytest.mark.parametrize(("text", "mark"), [("12,345", "."), ("87.420", ","), ("999.000", ","), ("1,000", ".")])
def test_mark_that_may_stand_before_thousands_is_refused(text, mark):
    for read in (read_rate, check_rate):
        with pytest.raises(InvalidNumber, match="decimals or thousands"):
            read(text, mark)
    assert read_recorded_rate(text).value == Decimal(text.replace(",", "."))


@pytest.mark.parametrize("text", ["028571", "00191", "+012", "000", "07"])
def test_whole_number_with_a_zero_before_it_may_lack_its_point(text):
    for read in (read_rate, check_rate):
        with pytest.raises(InvalidNumber, match="point may be missing"):
            read(text)
    for read in (read_change, check_change):
        with pytest.raises(InvalidNumber, match="point may be missing"):
            read(f"{text}%")


@given(
    text=st.from_regex(r"(0|[1-9][0-9]{0,11})|[0-9]{1,12}(\.[0-9]{1,12}|,([0-9]{1,2}|[0-9]{4,12}))", fullmatch=True),
    sign=st.sampled_from(["", "+", "-"]),
)
@law(100)
def test_any_printed_number_is_read_as_its_decimal(text, sign):
    assert read_change(f"{sign}{text}%").value == Decimal(sign + text.replace(",", "."))


def test_rate_does_not_depend_on_the_decimal_context():
    with localcontext(prec=2):
        assert read_rate("0.10843").value == Decimal("0.10843")


def test_percentage_does_not_depend_on_the_decimal_context():
    with localcontext(prec=2):
        assert read_change("-12.34%").value == Decimal("-12.34")


FIGURES = st.from_regex(r"[-+0-9.,]{1,16}", fullmatch=True)


def refusal(read, text):
    try:
        read(text)
    except InvalidNumber as error:
        return str(error)
    return None


@given(FIGURES)
def test_check_refuses_exactly_what_reading_refuses(text):
    assert refusal(check_rate, text) == refusal(read_rate, text)
    assert refusal(check_change, f"{text}%") == refusal(read_change, f"{text}%")
