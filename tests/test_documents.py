"""XML and JSON from strangers."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxticker.errors import ChallengePage, DamagedPage
from fxticker.sources.documents import MAX_BYTES, NumberText, RepeatedName, read_json, read_xml, without_exponent

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE rates [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rates>&b;</rates>"""


def xml(body, headers=None):
    return read_xml(body, headers or {}, root="rates")


# XML


def test_elements_attributes_and_texts_are_read_in_order():
    root = xml(b'<rates day="1"><item>\n 1 </item><!-- no --><other/><item>2<b>x</b>3</item></rates>')
    assert (root.name, root.attribute("day")) == ("rates", "1")
    assert [item.text for item in root.all("item")] == ["1", "23"]
    assert root.text_of("other") == ""


def test_character_references_and_cdata_are_text():
    assert xml(b"<rates>&#49;&lt;&amp;<![CDATA[<2>]]></rates>").text == "1<&<2>"


def test_namespace_is_no_part_of_a_name():
    assert xml(b'<rates xmlns="urn:x" xmlns:y="urn:y"><y:item>1</y:item></rates>').text_of("item") == "1"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ('<?xml version="1.0" encoding="windows-1251" ?><rates>\u0441\u043e\u043c</rates>'.encode("cp1251"), {}),
        ('<?xml version="1.0" encoding="windows-1251"?><rates>\u0441\u043e\u043c</rates>'.encode("cp1251"), "text/xml"),
        ("<?xml version='1.0' encoding='koi8-r'?><rates>\u0441\u043e\u043c</rates>".encode("koi8-r"), {}),
        ("<rates>\u0441\u043e\u043c</rates>".encode(), {}),
        ("<rates>\u0441\u043e\u043c</rates>".encode("cp1251"), "text/xml; charset=windows-1251"),
        ('\ufeff<?xml version="1.0" encoding="cp1251"?><rates>\u0441\u043e\u043c</rates>'.encode(), {}),
        ('\ufeff<?xml version="1.0" encoding="utf-16"?><rates>\u0441\u043e\u043c</rates>'.encode("utf-16-le"), {}),
    ],
    ids=["declared", "declared, no charset", "other quotes", "utf-8", "header", "mark", "utf-16"],
)
def test_bytes_are_decoded_by_mark_header_and_declaration(body, headers):
    assert xml(body, {"content-type": headers} if headers else {}).text == "\u0441\u043e\u043c"


def test_bytes_outside_the_encoding_do_not_damage_the_rates():
    root = xml(b'<?xml version="1.0" encoding="utf-8"?><rates><name>\xf1\xee\xec</name><value>87,4500</value></rates>')
    assert root.text_of("value") == "87,4500"


@pytest.mark.parametrize("encoding", [b"zlib_codec", b"idna", b"rot13", b"utf-7", b"nonsense"])
def test_declared_encoding_that_is_no_charset_is_ignored(encoding):
    assert xml(b'<?xml version="1.0" encoding="' + encoding + b'"?><rates>1</rates>').text == "1"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (LAUGHS, "document type"),
        (b'<!DOCTYPE rates SYSTEM "file:///etc/hostname"><rates/>', "document type"),
        (b'<!DOCTYPE rates [<!ENTITY x SYSTEM "http://127.0.0.1/">]><rates>&x;</rates>', "document type"),
        (b"<!DOCTYPE rates><rates/>", "document type"),
        (b"<rates>&x;</rates>", "undefined entity"),
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<rates><item>1</item>", "no sound XML"),
        (b"<rates/><rates/>", "no sound XML"),
        (b"1.0", "no sound XML"),
        (b"<rates>\x00</rates>", "no sound XML"),
        (b'<rates a="1" a="2"/>', "no sound XML"),
        (b"<other/>", "must be a <rates>, not a <other>"),
        (b"<rates>" + b"<a>" * 16, "nested"),
        (b"<rates>" + b"<a/>" * 50_000 + b"</rates>", "more than 50000 elements"),
        (b"<rates>" + b" " * MAX_BYTES + b"</rates>", "more than 4000000 bytes"),
    ],
)
def test_hostile_or_broken_xml_is_damage(body, reason):
    with pytest.raises(DamagedPage, match=reason):
        xml(body)


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><p>",
        b"\n<HTML lang=en></HTML>",
        b"<html><head></head></html>",
        b"<body>wait</body>",
        b"<script>document.cookie='x=1';location.reload()</script><noscript>Enable JavaScript</noscript>",
        b"\r\n<SCRIPT src='/guard.js'></SCRIPT>",
        b"<!-- guard -- a -->\n<!----><noscript>Enable JavaScript</noscript>",
        b"\xef\xbb\xbf<meta http-equiv=refresh content=0>",
        b"<title>503</title>",
        b"<center><h1>403 Forbidden</h1></center>",
        b"<div>wait</div>",
        b"<br/>wait",
        b"<video>x",
        b"<label>x",
        b"<td>x",
        b"<x-guard>x",
        b"<!--><html>",
        b"<!-- a --!><html>",
        b'<?xml version="1.0"?>\n<!DOCTYPE  html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html></html>',
    ],
)
def test_html_page_in_place_of_rates_is_a_challenge(body):
    with pytest.raises(ChallengePage):
        xml(body)
    with pytest.raises(ChallengePage):
        read_json(body)


@pytest.mark.parametrize("body", [b"<!--" + b"-" * 3_000_000, b"<!---->" * 500_000, b" <?a?>" * 600_000 + b"<scripts>"])
def test_long_beginning_is_searched_for_html_in_linear_time(body):
    started_s = time.process_time()
    with pytest.raises(DamagedPage):
        read_json(body)
    assert time.process_time() - started_s < 1


@pytest.mark.parametrize("body", [b"<rates/>", b"<rates><a>1</a><a>2</a></rates>"])
def test_missing_or_repeated_child_is_damage(body):
    with pytest.raises(DamagedPage, match="must hold one <a>"):
        xml(body).text_of("a")


def test_missing_attribute_is_damage():
    with pytest.raises(DamagedPage, match="must have the attribute Date"):
        xml(b"<rates/>").attribute("Date")


# JSON


def test_numbers_keep_their_text():
    body = b'{"a": 87.4500, "b": 0.000084801645, "c": 1E-5, "d": 12345678901234567890, "e": "1", "f": [-0]}'
    assert read_json(body) == {
        "a": "87.4500",
        "b": "0.000084801645",
        "c": "1E-5",
        "d": "12345678901234567890",
        "e": "1",
        "f": ["-0"],
    }


def test_byte_order_mark_is_not_part_of_the_document():
    assert read_json(b"\xef\xbb\xbf[1]") == ["1"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[Infinity]", "Infinity is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b'[{"a": 1}', "no sound JSON"),
        (b"[1] 2", "no sound JSON"),
        (b"[" * 100_000, "no sound JSON"),
        (b'{"a":' * 100_000, "no sound JSON"),
        (b"rates", "no sound JSON"),
        (b" " * MAX_BYTES + b"1", "more than 4000000 bytes"),
        (b"[" + b"0," * 50_001 + b"0]", "more than 50000 commas"),
    ],
)
def test_hostile_or_broken_json_is_damage(body, reason):
    with pytest.raises(DamagedPage, match=reason):
        read_json(body)


def test_repeated_name_stands_for_all_of_its_values():
    assert read_json(b'{"a": 1, "b": {"c": 2, "c": null, "d": 3}, "a": [4]}') == {
        "a": RepeatedName(("1", ["4"])),
        "b": {"c": RepeatedName(("2", None)), "d": "3"},
    }


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1.20311e4", "12031.1"),
        ("1.20311E+04", "12031.1"),
        ("8.2e-05", "0.000082"),
        ("-8e0", "-8"),
        ("0.870e2", "87.0"),
        ("0e-3", "0.000"),
        ("87.45", "87.45"),
        ("87", "87"),
        ("1e1234", "1e1234"),
    ],
)
def test_exponent_is_written_out_with_the_same_digits(number, text):
    assert without_exponent(NumberText(number)) == text


@pytest.mark.parametrize("number", ["1.2e4", "1e1", "1E+999"])
def test_exponent_that_stands_for_digits_is_refused(number):
    with pytest.raises(DamagedPage, match="does not state all of its digits"):
        without_exponent(NumberText(number))


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?[eE][+-]?[0-9]{1,2}", fullmatch=True))
def test_number_without_exponent_has_the_value_and_the_last_decimal_of_the_number(number):
    try:
        text = without_exponent(NumberText(number))
    except DamagedPage:
        assert Decimal(number).as_tuple().exponent > 0
    else:
        assert Decimal(text) == Decimal(number)
        assert Decimal(text).as_tuple().exponent == Decimal(number).as_tuple().exponent


@pytest.mark.parametrize("value", ["87,4<x>5</x>0", "87,45<x/>", "<b>87,45</b>"])
def test_figure_with_an_element_in_it_is_damage(value):
    with pytest.raises(DamagedPage, match="<value> must hold a text"):
        xml(f"<rates><value>{value}</value></rates>".encode()).text_of("value")
