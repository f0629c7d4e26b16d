#include "statements/fields.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "rules/limits.h"
#include "rules/text.h"

namespace saldo {
namespace {

constexpr std::string_view kNoBreakSpace = "\xC2\xA0";
constexpr std::string_view kNarrowNoBreakSpace = "\xE2\x80\xAF";

// How many bytes of white space a text begins with, or, when `at_end`, ends with: one character.
std::size_t space_bytes(std::string_view text, bool at_end = false) {
  if (text.empty()) return 0;
  const char edge = at_end ? text.back() : text.front();
  if (edge == ' ' || is_control(edge)) return 1;
  for (const std::string_view space : {kNoBreakSpace, kNarrowNoBreakSpace}) {
    if (at_end ? text.ends_with(space) : text.starts_with(space)) return space.size();
  }
  return 0;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The parts of a sum.
struct Decimal {
  bool negative = false;
  std::string whole;
  std::string_view fraction;
};

// Digits in groups of three with one kind of separator between them, joined; nullopt: others.
std::optional<std::string> join_groups(std::string_view text) {
  std::string joined;
  std::string separator;
  std::size_t group = 0;  // digits since the last separator
  while (!text.empty()) {
    std::size_t bytes = 1;
    if (is_digit(text[0])) {
      joined += text[0];
      ++group;
    } else {
      bytes = std::max<std::size_t>(1, space_bytes(text));
      const std::string_view found = text.substr(0, bytes);
      const bool is_separator =
          space_bytes(text) > 0 || found == "." || found == "," || found == "'";
      const bool whole = separator.empty() ? group >= 1 && group <= 3 : group == 3;
      if (!is_separator || !whole || (!separator.empty() && separator != found))
        return std::nullopt;
      separator = found;
      group = 0;
    }
    text.remove_prefix(bytes);
  }
  if (!separator.empty() && group != 3) return std::nullopt;
  return joined;
}

std::optional<Decimal> parse_decimal(std::string_view text, int minor_digits) {
  Decimal decimal;
  text = trim(text);
  if (text.starts_with('-') || text.starts_with('+')) {
    decimal.negative = text[0] == '-';
    text = trim(text.substr(1));
  }
  // The last dot or comma is before the fraction, unless there are several of it.
  const std::size_t last = text.find_last_of(".,");
  const bool has_fraction = last != std::string_view::npos && text.find(text[last]) == last;
  if (has_fraction) {
    decimal.fraction = text.substr(last + 1);
    // '1,234' may mean more than a thousand.
    if (text[last] == ',' && decimal.fraction.size() > static_cast<std::size_t>(minor_digits))
      return std::nullopt;
    if (!std::all_of(decimal.fraction.begin(), decimal.fraction.end(), is_digit))
      return std::nullopt;
    text = text.substr(0, last);
  }
  auto whole = join_groups(text);
  if (!whole || (whole->empty() && decimal.fraction.empty())) return std::nullopt;
  decimal.whole = std::move(*whole);
  return decimal;
}

std::string sum_text(Amount amount, std::string_view currency) {
  std::string text = std::to_string(amount < 0 ? -amount : amount);
  const auto minor = static_cast<std::size_t>(minor_digits(currency));
  if (text.size() <= minor) text.insert(0, minor + 1 - text.size(), '0');
  if (minor > 0) text.insert(text.size() - minor, 1, '.');
  return amount < 0 ? "-" + text : text;
}

// A number of up to `max_digits` digits that a text begins with, which are removed from it.
std::optional<int> take_number(std::string_view& text, std::size_t max_digits) {
  int number = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && is_digit(text[digits]); ++digits) {
    if (digits == max_digits) return std::nullopt;
    number = number * 10 + (text[digits] - '0');
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view characters) {
  if (text.empty() || characters.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Error invalid_line(std::size_t line, std::string_view problem) {
  return invalid("line " + std::to_string(line) + ": " + std::string(problem));
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kQuotedBytesMax = 60;
  std::string quote = "'";
  std::size_t end = std::min(text.size(), kQuotedBytesMax);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  for (const char c : text.substr(0, end)) quote += is_control(c) ? ' ' : c;
  return quote + (end < text.size() ? "...'" : "'");
}

std::size_t line_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

std::string_view trim(std::string_view text) {
  while (const std::size_t bytes = space_bytes(text)) text.remove_prefix(bytes);
  while (const std::size_t bytes = space_bytes(text, true)) text.remove_suffix(bytes);
  return text;
}

std::string_view clean_text(std::string_view text, TextPool& texts) {
  text = trim(text);
  if (std::none_of(text.begin(), text.end(), is_control)) return text;
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    std::size_t bytes = 0;
    bool control = false;
    while (const std::size_t more = space_bytes(text.substr(bytes))) {
      control = control || is_control(text[bytes]);
      bytes += more;
    }
    if (control) {
      clean += ' ';
    } else {
      bytes = std::max<std::size_t>(bytes, 1);
      clean += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return texts.keep(std::move(clean));
}

std::string without_space(std::string_view text) {
  std::string dense;
  dense.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool no_break = text.substr(i).starts_with(kNoBreakSpace);
    if (no_break) {
      ++i;
    } else if (text[i] != ' ' && (text[i] < '\t' || text[i] > '\r')) {
      dense += text[i];
    }
  }
  return dense;
}

std::string_view clean_account(std::string_view text, TextPool& texts) {
  text = trim(text);
  if (std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '*';
      }))
    return text;
  std::string account = without_space(text);
  std::erase_if(account, is_control);
  std::string digits = account;
  std::erase_if(digits, [](char c) { return c == '.' || c == '-'; });
  return texts.keep(is_all_digits(digits) ? digits : account);
}

bool is_all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

Amount read_sum(std::string_view field, std::string_view text, std::string_view currency,
                std::size_t line) {
  const int minor = minor_digits(currency);
  const auto decimal = parse_decimal(text, minor);
  if (!decimal) {
    throw invalid_line(line, std::string(field) + " is " + quoted(text) +
                                 ", which is no sum of money such as 1234.56");
  }
  std::string digits = decimal->whole;
  const auto kept = std::min(decimal->fraction.size(), static_cast<std::size_t>(minor));
  if (decimal->fraction.find_first_not_of('0', kept) != std::string_view::npos) {
    throw invalid_line(line, std::string(field) + " is " + quoted(text) + "; a sum of " +
                                 std::string(currency) + " has " + std::to_string(minor) +
                                 " digits after the point");
  }
  digits += decimal->fraction.substr(0, kept);
  digits.append(static_cast<std::size_t>(minor) - kept, '0');
  Amount amount = 0;
  for (const char c : digits) {
    amount = amount * 10 + (c - '0');
    if (amount > kAmountMax) {
      throw out_of_range("line " + std::to_string(line) + ": " + std::string(field) + " is " +
                         quoted(text) + "; a sum is at most " + sum_text(kAmountMax, currency));
    }
  }
  return decimal->negative ? -amount : amount;
}

std::optional<Day> read_date(std::string_view field, std::string_view text, std::size_t line) {
  const std::string_view given = trim(text);
  if (std::none_of(given.begin(), given.end(), [](char c) { return c >= '1' && c <= '9'; }))
    return std::nullopt;
  const auto day = [&]() -> std::optional<Day> {
    constexpr std::string_view kSeparators = ".-/";
    std::string_view rest = given;
    const auto first = take_number(rest, 4);
    const bool year_first = given.size() - rest.size() == 4;
    if (!first || !take(rest, kSeparators)) return std::nullopt;
    const auto month = take_number(rest, 2);
    if (!month || !take(rest, kSeparators)) return std::nullopt;
    const std::size_t before = rest.size();
    const auto last = take_number(rest, year_first ? 2 : 4);
    if (!last || (!year_first && before - rest.size() != 4)) return std::nullopt;
    // What follows is a time or an offset.
    if (!rest.empty() && space_bytes(rest) == 0 && !take(rest, "TtZz+-")) return std::nullopt;
    const date::year_month_day ymd{date::year{year_first ? *first : *last},
                                   date::month{static_cast<unsigned>(*month)},
                                   date::day{static_cast<unsigned>(year_first ? *last : *first)}};
    if (!ymd.ok()) return std::nullopt;
    return Day{ymd};
  }();
  if (!day) {
    throw invalid_line(line, std::string(field) + " is " + quoted(given) +
                                 ", which is no date such as 15.11.2026");
  }
  // How 1C writes that there is none.
  constexpr Day kNoDay{date::local_days{date::year{1} / 1 / 1}};
  return *day == kNoDay ? std::nullopt : day;
}

void add_warning(BankDocument& document, std::string_view sentence, TextPool& texts) {
  document.warning = document.warning.empty()
                         ? texts.keep(std::string(sentence))
                         : texts.keep(std::string(document.warning) + "; " + std::string(sentence));
}

void add_doubt(BankDocument& document, std::string_view sentence, TextPool& texts) {
  document.doubt = sentence;
  add_warning(document, sentence, texts);
}

void Turnover::count(const BankDocument& document) {
  if (document.direction == Direction::kIn) in = add(in, document.amount);
  if (document.direction == Direction::kOut) out = add(out, document.amount);
}

std::string disagreement(std::string_view account, std::string_view currency,
                         const StatedTurnover& stated, const Turnover& counted) {
  const auto differs = [](const std::optional<Amount>& said, Amount is) {
    return said && *said != is;
  };
  const Amount change = subtract(counted.in, counted.out);
  std::string sentence = "account " + std::string(account) + ": by the statement ";
  const auto tell = [&](Amount said, std::string_view what, Amount is) {
    return sentence + sum_text(said, currency) + std::string(what) + ", by its documents " +
           sum_text(is, currency);
  };
  if (differs(stated.in, counted.in)) return tell(*stated.in, " came in", counted.in);
  if (differs(stated.out, counted.out)) return tell(*stated.out, " went out", counted.out);
  if (differs(stated.change, change))
    return tell(*stated.change, " is the change of the balance", change);
  return {};
}

void warn_of_accounts(const std::vector<AccountWarning>& warnings, BankStatement& statement) {
  struct Placed {
    std::string_view sentence;
    bool on_documents = false;
  };
  std::unordered_map<std::string_view, Placed> by_account;
  for (const AccountWarning& warning : warnings) {
    Placed& placed = by_account[warning.account];
    if (placed.sentence.empty()) placed.sentence = statement.texts.keep(warning.sentence);
  }
  const auto warn = [&](BankDocument& document, std::string_view sentence) {
    if (document.warning.empty()) {
      document.warning = sentence;
    } else {
      add_warning(document, sentence, statement.texts);
    }
  };
  for (BankDocument& document : statement.documents) {
    const auto found = by_account.find(document.own_account);
    if (found == by_account.end()) continue;
    warn(document, found->second.sentence);
    found->second.on_documents = true;
  }

  std::string_view first;
  std::size_t others = 0;
  for (const AccountWarning& warning : warnings) {
    if (by_account[warning.account].on_documents) continue;
    if (first.empty()) {
      first = warning.sentence;
    } else {
      ++others;
    }
  }
  if (first.empty()) return;
  std::string sentence(first);
  if (others > 0) sentence += "; and " + std::to_string(others) + " accounts likewise";
  if (statement.documents.empty()) throw invalid(sentence);
  const std::string_view shared = statement.texts.keep(std::move(sentence));
  for (BankDocument& document : statement.documents) warn(document, shared);
}

}  // namespace saldo
