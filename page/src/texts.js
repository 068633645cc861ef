// Texts of the page in its languages: sentences with {names}, and plurals by the rules of the language.
import { en } from "./texts_en.js";
import { ru } from "./texts_ru.js";

export const LANGUAGES = { en: "English", ru: "Русский" };
const TEXTS = { en, ru };

/** The language of a state: the named one, else the browser's if there is a translation, else English. */
export function languageOf(named) {
  const wanted = named ?? navigator.language.slice(0, 2);
  return Object.hasOwn(TEXTS, wanted) ? wanted : "en";
}

/** A function that gives the texts of a language by name: t("age.old", { age }); t.has(name) tells whether one exists. */
export function textsOf(language) {
  const plural = new Intl.PluralRules(language);
  const t = (name, values = {}) => {
    const given = TEXTS[language][name] ?? en[name] ?? name;
    const text = typeof given === "string" ? given : (given[plural.select(values.n)] ?? given.other);
    return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? `{${key}}`);
  };
  t.language = language;
  t.has = (name) => Object.hasOwn(TEXTS[language], name);
  /** An age in two units: "3 d 4 h". */
  t.age = (us) => {
    const minutes = Math.max(Math.round(us / 6e7), 0);
    const [d, h, m] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
    const parts = d ? [[d, "d"], [h, "h"]] : h ? [[h, "h"], [m, "min"]] : [[m, "min"]];
    return parts.filter(([n], place) => n || !place).map(([n, unit]) => `${n}\u00a0${t(`unit.${unit}`)}`).join(" ");
  };
  /** "tenge stronger" of a rise of KZT/USD. */
  t.moved = (pair, isRise) => {
    const [base, quote] = pair.split("/");
    const [code, isStronger] = base === "USD" ? [quote, !isRise] : [base, isRise];
    return t(isStronger ? "stronger" : "weaker", { who: t(`name.${code}`) });
  };
  t.per = (pair) => {
    const [base, quote] = pair.split("/");
    return t("per", { base, quote });
  };
  return t;
}
