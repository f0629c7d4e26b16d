#include "rules/notice_text.h"

#include <algorithm>
#include <functional>

#include "rules/text.h"
#include "rules/words.h"

namespace saldo {
namespace {

constexpr std::array<std::string_view, 7> kRussianWeekdays = {
    "понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"};
constexpr std::array<std::string_view, 7> kEnglishWeekdays = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// A text up to the next placeholder, and its word; without a word it is the rest.
struct Piece {
  std::string_view text;
  std::string_view word;
};

Piece cut_piece(std::string_view& rest) {
  for (std::size_t open = rest.find('{'); open != std::string_view::npos;
       open = rest.find('{', open + 1)) {
    std::size_t end = open + 1;
    while (end < rest.size() && is_word_character(rest[end])) ++end;
    if (end == open + 1 || end == rest.size() || rest[end] != '}') continue;
    const Piece piece{rest.substr(0, open), rest.substr(open + 1, end - open - 1)};
    rest.remove_prefix(end + 1);
    return piece;
  }
  const Piece piece{rest, {}};
  rest = {};
  return piece;
}

struct FilledLine {
  std::string text;
  bool complete = true;  // no value was missing
};

FilledLine fill_line(std::string_view rest,
                     const std::map<std::string, std::string, std::less<>>& values) {
  FilledLine line;
  while (!rest.empty()) {
    const Piece piece = cut_piece(rest);
    line.text += piece.text;
    if (piece.word.empty()) continue;
    const auto value = values.find(piece.word);
    if (value == values.end()) {
      line.complete = false;
      continue;
    }
    std::transform(value->second.begin(), value->second.end(), std::back_inserter(line.text),
                   [](char c) { return is_control(c) ? ' ' : c; });
  }
  return line;
}

}  // namespace

std::optional<std::string_view> unknown_placeholder(std::string_view text,
                                                    std::span<const std::string_view> known) {
  while (!text.empty()) {
    const std::string_view word = cut_piece(text).word;
    if (!word.empty() && std::find(known.begin(), known.end(), word) == known.end()) return word;
  }
  return std::nullopt;
}

std::string fill_template(std::string_view text,
                          const std::map<std::string, std::string, std::less<>>& values) {
  if (text.find('\n') == std::string_view::npos) return fill_line(text, values).text;
  std::string filled;
  bool left_out = false;  // a line was, and no other line has followed yet
  bool blank = true;      // the last line put in was, or there is none
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const FilledLine line = fill_line(text.substr(0, end), values);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.complete) {
      left_out = true;
      continue;
    }
    if (line.text.empty() && left_out && blank) continue;
    filled += line.text;
    filled += '\n';
    left_out = false;
    blank = line.text.empty();
  }
  // The end of the text is that of its last line.
  while (!filled.empty() && filled.back() == '\n') filled.pop_back();
  return filled;
}

std::string format_day_for_people(Day day, std::optional<Day> today, std::string_view language) {
  const date::year_month_day ymd{day};
  const auto weekday = date::weekday{day}.iso_encoding() - 1;
  const bool russian = language == "ru";
  std::string text((russian ? kRussianWeekdays : kEnglishWeekdays)[weekday]);
  text += ", " + std::to_string(static_cast<unsigned>(ymd.day())) + ' ';
  text += month_in_date(static_cast<unsigned>(ymd.month()), language);
  if (!today || ymd.year() != date::year_month_day{*today}.year()) {
    text += ' ' + std::to_string(static_cast<int>(ymd.year()));
    if (russian) text += " года";
  }
  return text;
}

std::string format_time_for_people(date::local_seconds wall, std::optional<Day> today,
                                   std::string_view language) {
  const auto day = date::floor<days>(wall);
  return format_day_for_people(day, today, language) + ", " + date::format("%H:%M", wall);
}

std::string format_short_day(Day day, std::string_view language) {
  if (language == "ru") return date::format("%d.%m.%Y", day);
  constexpr std::size_t kLetters = 3;
  const date::year_month_day ymd{day};
  const auto month =
      month_in_date(static_cast<unsigned>(ymd.month()), language).substr(0, kLetters);
  return std::to_string(static_cast<unsigned>(ymd.day())) + ' ' + std::string(month) +
         date::format(" %Y", day);
}

std::string format_short_time(date::local_seconds wall, std::string_view language) {
  const auto day = date::floor<days>(wall);
  const bool whole = date::floor<std::chrono::minutes>(wall) == wall;
  return format_short_day(day, language) + date::format(whole ? " %H:%M" : " %H:%M:%S", wall);
}

std::string format_day_count_for_people(std::int64_t count, std::string_view language) {
  constexpr int kTen = 10;
  constexpr int kHundred = 100;
  constexpr int kEleven = 11;
  if (language != "ru") return std::to_string(count) + (count == 1 ? " day" : " days");
  const bool singular = count % kTen == 1 && count % kHundred != kEleven;
  return std::to_string(count) + (singular ? " дня" : " дней");
}

}  // namespace saldo
