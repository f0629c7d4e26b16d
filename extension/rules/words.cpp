#include "rules/words.h"

namespace saldo {
namespace {

constexpr std::uint64_t kTen = 10;
constexpr std::uint64_t kTwenty = 20;
constexpr std::uint64_t kHundred = 100;
constexpr std::uint64_t kThousand = 1000;

constexpr std::array<std::string_view, 20> kRussianUnits = {
    "",           "один",        "два",        "три",          "четыре",
    "пять",       "шесть",       "семь",       "восемь",       "девять",
    "десять",     "одиннадцать", "двенадцать", "тринадцать",   "четырнадцать",
    "пятнадцать", "шестнадцать", "семнадцать", "восемнадцать", "девятнадцать"};
constexpr std::array<std::string_view, 10> kRussianTens = {
    "",          "",           "двадцать",  "тридцать",    "сорок",
    "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто"};
constexpr std::array<std::string_view, 10> kRussianHundreds = {
    "",        "сто",      "двести",  "триста",    "четыреста",
    "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот"};
// Of the powers of 1000; the first is feminine, the others masculine.
constexpr std::array<RussianForms, 6> kRussianScales = {
    {{"тысяча", "тысячи", "тысяч"},
     {"миллион", "миллиона", "миллионов"},
     {"миллиард", "миллиарда", "миллиардов"},
     {"триллион", "триллиона", "триллионов"},
     {"квадриллион", "квадриллиона", "квадриллионов"},
     {"квинтиллион", "квинтиллиона", "квинтиллионов"}}};
constexpr RussianForms kRoubles = {"рубль", "рубля", "рублей"};
constexpr RussianForms kKopecks = {"копейка", "копейки", "копеек"};

constexpr std::array<std::string_view, 20> kEnglishUnits = {
    "",         "one",     "two",     "three",     "four",     "five",    "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kEnglishTens = {
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::array<std::string_view, 6> kEnglishScales = {
    "thousand", "million", "billion", "trillion", "quadrillion", "quintillion"};

constexpr std::array<std::string_view, 12> kRussianMonthsInDate = {
    "января", "февраля", "марта",    "апреля",  "мая",    "июня",
    "июля",   "августа", "сентября", "октября", "ноября", "декабря"};
constexpr std::array<std::string_view, 12> kRussianMonths = {
    "январь", "февраль", "март",     "апрель",  "май",    "июнь",
    "июль",   "август",  "сентябрь", "октябрь", "ноябрь", "декабрь"};
constexpr std::array<std::string_view, 12> kEnglishMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

void append_word(std::string& text, std::string_view word) {
  if (word.empty()) return;
  if (!text.empty()) text += ' ';
  text += word;
}

// 1 to 999.
void append_russian_group(std::string& text, std::uint64_t group, bool feminine) {
  append_word(text, kRussianHundreds[group / kHundred]);
  const auto rest = group % kHundred;
  if (rest >= kTwenty) append_word(text, kRussianTens[rest / kTen]);
  const auto unit = rest < kTwenty ? rest : rest % kTen;
  if (feminine && unit == 1) {
    append_word(text, "одна");
  } else if (feminine && unit == 2) {
    append_word(text, "две");
  } else {
    append_word(text, kRussianUnits[unit]);
  }
}

void append_english_group(std::string& text, std::uint64_t group) {
  if (group >= kHundred) {
    append_word(text, kEnglishUnits[group / kHundred]);
    append_word(text, "hundred");
  }
  const auto rest = group % kHundred;
  if (rest < kTwenty) {
    append_word(text, kEnglishUnits[rest]);
    return;
  }
  append_word(text, kEnglishTens[rest / kTen]);
  if (rest % kTen == 0) return;
  text += '-';
  text += kEnglishUnits[rest % kTen];
}

// The whole number, masculine, from the group of `scale` (a power of 1000) down.
std::string spell(std::uint64_t number, bool russian) {
  if (number == 0) return russian ? "ноль" : "zero";
  std::string text;
  std::uint64_t power = 1;
  for (std::size_t i = 0; i < kRussianScales.size(); ++i) power *= kThousand;
  for (std::size_t scale = kRussianScales.size(); power > 0; power /= kThousand, --scale) {
    const auto group = number / power % kThousand;
    if (group == 0) continue;
    if (russian) {
      append_russian_group(text, group, scale == 1);
      if (scale > 0) append_word(text, russian_form(group, kRussianScales[scale - 1]));
    } else {
      append_english_group(text, group);
      if (scale > 0) append_word(text, kEnglishScales[scale - 1]);
    }
  }
  return text;
}

void capitalize(std::string& text, bool russian) {
  if (!russian) {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return;
  }
  // The two bytes of UTF-8: а to п are D0 B0 to D0 BF, р to я D1 80 to D1 8F; the capitals
  // D0 90 to D0 AF.
  constexpr unsigned kFirstHalf = 0xD0;
  constexpr unsigned kCapitals = 0x20;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool first_half = static_cast<unsigned char>(text[0]) == kFirstHalf;
  text[0] = static_cast<char>(kFirstHalf);
  text[1] = static_cast<char>(first_half ? second - kCapitals : second + kCapitals);
}

}  // namespace

std::string_view russian_form(std::uint64_t number, const RussianForms& forms) {
  constexpr std::uint64_t kFewMax = 4;
  const auto rest = number % kHundred;
  const auto unit = number % kTen;
  if ((rest > kTen && rest < kTwenty) || unit == 0 || unit > kFewMax) return forms[2];
  return unit == 1 ? forms[0] : forms[1];
}

std::string format_count(std::int64_t count, std::string_view language) {
  std::string digits = std::to_string(count);
  const std::size_t first = count < 0 ? 1 : 0;
  constexpr std::size_t kGroup = 3;
  for (std::size_t i = digits.size(); i > first + kGroup; i -= kGroup)
    digits.insert(i - kGroup, 1, language == "ru" ? ' ' : ',');
  return digits;
}

std::string_view month_in_date(unsigned month, std::string_view language) {
  return (language == "ru" ? kRussianMonthsInDate : kEnglishMonths)[month - 1];
}

std::string_view month_alone(unsigned month, std::string_view language) {
  return (language == "ru" ? kRussianMonths : kEnglishMonths)[month - 1];
}

std::string format_plain(Amount amount, std::string_view currency) {
  const auto minor = static_cast<std::size_t>(minor_digits(currency));
  const auto magnitude =
      amount < 0 ? 0 - static_cast<std::uint64_t>(amount) : static_cast<std::uint64_t>(amount);
  std::string digits = std::to_string(magnitude);
  if (digits.size() <= minor) digits.insert(0, minor + 1 - digits.size(), '0');
  if (minor > 0) digits.insert(digits.size() - minor, 1, '.');
  return (amount < 0 ? "-" : "") + digits;
}

std::string amount_in_words(Amount amount, std::string_view currency, std::string_view language) {
  const bool russian = language == "ru";
  const auto magnitude =
      amount < 0 ? 0 - static_cast<std::uint64_t>(amount) : static_cast<std::uint64_t>(amount);
  std::uint64_t minor_units = 1;
  const int digits = minor_digits(currency);
  for (int i = 0; i < digits; ++i) minor_units *= kTen;
  const auto whole = magnitude / minor_units;
  // With a leading 1 for the zeros, which is cut off.
  const std::string minor = std::to_string(minor_units + magnitude % minor_units).substr(1);

  std::string text = amount < 0 ? (russian ? "минус" : "minus") : "";
  append_word(text, spell(whole, russian));
  if (currency != "RUB") {
    append_word(text, currency);
    if (digits > 0) append_word(text, minor + '/' + std::to_string(minor_units));
  } else if (russian) {
    append_word(text, russian_form(whole, kRoubles));
    append_word(text, minor);
    append_word(text, russian_form(magnitude % minor_units, kKopecks));
  } else {
    append_word(text, whole == 1 ? "ruble" : "rubles");
    append_word(text, minor);
    append_word(text, magnitude % minor_units == 1 ? "kopeck" : "kopecks");
  }
  capitalize(text, russian);
  return text;
}

}  // namespace saldo
