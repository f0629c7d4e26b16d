#include "rules/time.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "rules/error.h"

namespace saldo {
namespace {

// Exactly `text.size()` digits.
std::optional<int> digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<date::year_month_day> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto y = digits(text.substr(0, 4));
  const auto m = digits(text.substr(5, 2));
  const auto d = digits(text.substr(8, 2));
  if (!y || !m || !d) return std::nullopt;
  const date::year_month_day ymd{date::year{*y}, date::month{static_cast<unsigned>(*m)},
                                 date::day{static_cast<unsigned>(*d)}};
  if (!ymd.ok()) return std::nullopt;
  return ymd;
}

// 'HH:MM:SS' up to `max_second`.
std::optional<seconds> parse_clock(std::string_view text, int max_second) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto h = digits(text.substr(0, 2));
  const auto m = digits(text.substr(3, 2));
  const auto s = digits(text.substr(6, 2));
  if (!h || !m || !s || *h > 23 || *m > 59 || *s > max_second) return std::nullopt;
  return std::chrono::hours{*h} + std::chrono::minutes{*m} + seconds{*s};
}

// Puts `value` in decimal into the `width` characters from `at` on, and returns what follows them.
char* put_digits(char* at, int width, unsigned value) {
  for (char* digit = at + width; digit > at; value /= 10)
    *--digit = static_cast<char>('0' + value % 10);
  return at + width;
}

// 10 characters; the year is one of 0000 to 9999.
char* put_date(char* at, const date::year_month_day& ymd) {
  at = put_digits(at, 4, static_cast<unsigned>(static_cast<int>(ymd.year())));
  *at++ = '-';
  at = put_digits(at, 2, static_cast<unsigned>(ymd.month()));
  *at++ = '-';
  return put_digits(at, 2, static_cast<unsigned>(ymd.day()));
}

// The folder of the zones holds other things beside them: the machine's own zone ('localtime',
// 'posixrules'), copies ('posix/Europe/Moscow'), zones with leap seconds ('right/UTC'), tables.
// Only the names of zones have parts that begin with a capital letter. 'Factory' stands for no
// place.
bool is_zone_name(std::string_view name) {
  bool begins = true;
  for (const char c : name) {
    const bool capital = c >= 'A' && c <= 'Z';
    const bool other =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+';
    if (!capital && (begins || (!other && c != '/'))) return false;
    begins = c == '/';
  }
  return !begins && name != "Factory";
}

}  // namespace

std::optional<Day> parse_day(std::string_view text) {
  const auto ymd = parse_date(text);
  if (!ymd) return std::nullopt;
  return Day{*ymd};
}

std::string format_day(Day day) {
  std::string text(10, ' ');
  put_date(text.data(), date::year_month_day{day});
  return text;
}

std::optional<Day> last_day_before(std::string_view text, bool inclusive) {
  // Texts of days sort as the days do, so this is a search in a sorted sequence.
  const auto precedes = [&](Day day) {
    const std::string day_text = format_day(day);
    return inclusive ? day_text <= text : day_text < text;
  };
  if (!precedes(kFirstDay)) return std::nullopt;
  Day low = kFirstDay;
  Day high = kLastDay;
  while (low < high) {
    const Day middle = low + days{((high - low).count() + 1) / 2};
    if (precedes(middle)) {
      low = middle;
    } else {
      high = middle - days{1};
    }
  }
  return low;
}

std::optional<Instant> parse_instant(std::string_view text) {
  if (text.size() != 20 || text[10] != 'T' || text[19] != 'Z') return std::nullopt;
  const auto ymd = parse_date(text.substr(0, 10));
  const auto clock = parse_clock(text.substr(11, 8), 59);
  if (!ymd || !clock) return std::nullopt;
  return date::sys_days{*ymd} + *clock;
}

std::string format_instant(Instant instant) {
  const auto day = date::floor<days>(instant);
  const date::hh_mm_ss<seconds> clock{instant - day};
  std::string text(20, ' ');
  char* at = put_date(text.data(), date::year_month_day{day});
  for (const auto& [sign, part] :
       {std::pair('T', clock.hours().count()), std::pair(':', clock.minutes().count()),
        std::pair(':', clock.seconds().count())}) {
    *at++ = sign;
    at = put_digits(at, 2, static_cast<unsigned>(part));
  }
  *at = 'Z';
  return text;
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
  if (text.size() < 20) return std::nullopt;
  const char separator = text[10];
  if (separator != 'T' && separator != 't' && separator != ' ') return std::nullopt;
  const auto ymd = parse_date(text.substr(0, 10));
  auto clock = parse_clock(text.substr(11, 8), 60);
  if (!ymd || !clock) return std::nullopt;
  if (text.substr(17, 2) == "60") *clock -= seconds{1};

  std::string_view rest = text.substr(19);
  if (rest.front() == '.') {
    const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (end < 2) return std::nullopt;
    rest.remove_prefix(end);
  }
  seconds offset{0};
  if (rest != "Z" && rest != "z") {
    if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':')
      return std::nullopt;
    const auto h = digits(rest.substr(1, 2));
    const auto m = digits(rest.substr(4, 2));
    if (!h || !m || *h > 23 || *m > 59) return std::nullopt;
    offset = std::chrono::hours{*h} + std::chrono::minutes{*m};
    if (rest[0] == '-') offset = -offset;
  }
  const Instant instant = date::sys_days{*ymd} + *clock - offset;
  if (instant < kFirstInstant || instant > kLastInstant) return std::nullopt;
  return instant;
}

Instant BillingDays::zone_start(Day day) const {
  auto& recent = recent_[static_cast<std::size_t>(day.time_since_epoch().count()) % recent_.size()];
  if (recent.day != day) {
    // A midnight that summer time skips begins at the jump; one that it repeats begins the first
    // time.
    const Instant instant = zone_->to_sys(day, date::choose::earliest);
    recent = {day, instant};
  }
  return recent.instant;
}

Instant BillingDays::unchecked_start_of(Day day) const {
  const auto closed = (day - first_closed_).count();
  if (closed > 0 && closed <= static_cast<std::ptrdiff_t>(ends_.size())) {
    return ends_[static_cast<std::size_t>(closed - 1)];
  }
  return zone_start(day);
}

Instant BillingDays::start_of(Day day) const {
  if (day < kFirstDay || day > kLastDay + days{1}) {
    throw out_of_range("a day lies outside of 0000-01-01 to 9999-12-31");
  }
  const Instant instant = unchecked_start_of(day);
  if (instant < kFirstInstant || instant > kLastInstant) {
    throw out_of_range("the start of a day lies outside of the years 0000 to 9999 of UTC");
  }
  return instant;
}

Instant BillingDays::instant_at(date::local_seconds wall_clock) const {
  const Instant instant = zone_->to_sys(wall_clock, date::choose::earliest);
  if (instant < kFirstInstant || instant > kLastInstant)
    throw out_of_range("an instant lies outside of the years 0000 to 9999 of UTC");
  return instant;
}

Day BillingDays::day_of(Instant instant) const {
  const auto offset = zone_->get_info(instant).offset;
  const auto utc_day = date::floor<days>(instant + offset);
  Day day{utc_day.time_since_epoch()};
  // The wall clock may show a date again that has ended already, and the stored ends of closed days
  // may differ from the zone's: the billing day is the last one that has begun.
  while (day > kFirstDay && instant < start_of(day)) day -= days{1};
  while (day < kLastDay && instant >= start_of(day + days{1})) day += days{1};
  if (day < kFirstDay || day > kLastDay) {
    throw out_of_range("an instant lies in a day outside of 0000-01-01 to 9999-12-31");
  }
  return day;
}

std::optional<Instant> parse_received_at(std::string_view text, const BillingDays& billing_days) {
  if (const auto instant = parse_rfc3339(text)) return instant;
  const auto date = parse_date(text.substr(0, 10));
  if (!date) return std::nullopt;
  auto wall_clock = date::local_seconds{Day{*date}};
  if (text.size() > 10) {
    const auto clock = parse_clock(text.substr(11), 59);
    if (!clock || (text[10] != 'T' && text[10] != ' ')) return std::nullopt;
    wall_clock += *clock;
  }
  return billing_days.instant_at(wall_clock);
}

const date::time_zone* find_zone(const std::string& name) {
  try {
    if (is_zone_name(name)) return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    // Refused as other names are.
  }
  throw invalid("'" + name + "' is not a time zone of the IANA database, such as Europe/Moscow");
}

}  // namespace saldo
