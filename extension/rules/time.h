// Days and instants: their types, their texts, and where one billing day ends and the next begins.
#pragma once

#include <date/date.h>
#include <date/tz.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saldo {

// A billing day: a date on the wall in the policy's time zone. It is a local date, so that it does
// not convert to an instant by accident.
using Day = date::local_days;

// A second of UTC.
using Instant = date::sys_seconds;

using date::days;
using std::chrono::seconds;

inline constexpr Day kFirstDay{date::local_days{date::year{0} / 1 / 1}};
inline constexpr Day kLastDay{date::local_days{date::year{9999} / 12 / 31}};
inline constexpr Instant kFirstInstant{date::sys_days{date::year{0} / 1 / 1}};
inline constexpr Instant kLastInstant{date::sys_days{date::year{10000} / 1 / 1} - seconds{1}};

// 'YYYY-MM-DD', years 0000 to 9999, days that exist; nothing else parses.
std::optional<Day> parse_day(std::string_view text);
std::string format_day(Day day);  // of one of these years

// The greatest day whose text is <= `text` (or < `text`); nullopt when there is none. For bounds,
// which SQL compares as texts: `day < '2026-11'` means up to 2026-10-31.
std::optional<Day> last_day_before(std::string_view text, bool inclusive);

// 'YYYY-MM-DDTHH:MM:SSZ' and nothing else.
std::optional<Instant> parse_instant(std::string_view text);
std::string format_instant(Instant instant);  // of the years 0000 to 9999

// Any date-time of RFC 3339, chapter 5.6: an offset, a space or lower-case letters, and fractions
// of a second, which are cut off. A leap second counts as the second before it.
std::optional<Instant> parse_rfc3339(std::string_view text);

// Where billing days begin and end: by the time zone, and for closed days by the instants stored
// when they were closed, so that a later release of time-zone data cannot move them (3.2).
class BillingDays {
 public:
  BillingDays() = default;
  // `ends` holds the ends of the closed days `first_closed`, +1, +2, ...
  BillingDays(const date::time_zone* zone, Day first_closed, std::vector<Instant> ends)
      : zone_(zone), first_closed_(first_closed), ends_(std::move(ends)) {}

  // The first instant of `day`. Throws out_of_range beyond the years 0000 to 9999.
  [[nodiscard]] Instant start_of(Day day) const;
  [[nodiscard]] Instant end_of(Day day) const { return start_of(day + days{1}); }
  // Whether `instant` is the first one of `day`, also of the day in which the year 0 begins.
  [[nodiscard]] bool begins_at(Day day, Instant instant) const {
    return unchecked_start_of(day) == instant;
  }
  // Throws likewise.
  [[nodiscard]] Day day_of(Instant instant) const;
  // The first instant at which clocks on the wall show this; of a time that summer time skips, the
  // jump. Throws likewise.
  [[nodiscard]] Instant instant_at(date::local_seconds wall_clock) const;
  // What clocks on the wall show.
  [[nodiscard]] date::local_seconds wall_clock(Instant instant) const {
    return zone_->to_local(instant);
  }

 private:
  [[nodiscard]] Instant unchecked_start_of(Day day) const;
  [[nodiscard]] Instant zone_start(Day day) const;

  const date::time_zone* zone_ = nullptr;
  Day first_closed_{};
  std::vector<Instant> ends_;

  struct Start {
    Day day = Day::min();
    Instant instant{};
  };
  // The zone's answer for the days asked for last: a walk over many accounts asks for the same few
  // again and again.
  mutable std::array<Start, 8> recent_{};
};

// When a payer paid, as payment systems and banks write it: a date-time of RFC 3339, or, in the
// billing time zone, 'YYYY-MM-DDTHH:MM:SS', also with a space, or 'YYYY-MM-DD', which is its
// beginning. nullopt for all else.
std::optional<Instant> parse_received_at(std::string_view text, const BillingDays& billing_days);

// Throws invalid where the IANA database, as installed in the system, has no such zone of one place
// or offset. What depends on the machine ('localtime') or counts leap seconds ('right/UTC') is
// none.
const date::time_zone* find_zone(const std::string& name);

}  // namespace saldo
