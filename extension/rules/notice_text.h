// What notices say: templates, filled with values as people read them.
//
// In a template {word} stands for a value. The words are those of kPlaceholders; anything else
// between braces that is not a word ("{}", "{a b}") is plain text. Values are put in once, in one
// pass: braces within a value are plain text. Control characters within a value become spaces.
//
// A value may be missing. In a template of several lines a line that needs one is then left out,
// and with it the blank line after it where two would follow each other; so what depends on a
// value is best given a line, or a paragraph, of its own. In a template of one line nothing is put
// in its place.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rules/money.h"
#include "rules/time.h"

namespace saldo {

inline constexpr std::array<std::string_view, 16> kPlaceholders = {
    "account_id",     "name",        "balance",       "debt",
    "amount",         "top_up",      "arrears_since", "restricted_from",
    "promised_until", "lasts_until", "trial_ends_on", "promise_days",
    "number",         "document",    "reference",     "pay_url"};

// Of the address at which one pays.
inline constexpr std::array<std::string_view, 1> kPayUrlPlaceholders = {"account_id"};

// The first word in braces that is none of `known`; nullopt: there is none.
std::optional<std::string_view> unknown_placeholder(std::string_view text,
                                                    std::span<const std::string_view> known);

// Of the values by their words; one that is not there is missing.
std::string fill_template(std::string_view text,
                          const std::map<std::string, std::string, std::less<>>& values);

// 'понедельник, 16 ноября' in Russian, 'Monday, 16 November' in English; with its year, '16 ноября
// 2028 года' and '16 November 2028', where it is not that of `today`, or today is not known.
// `language` is ru or en.
std::string format_day_for_people(Day day, std::optional<Day> today, std::string_view language);
// Likewise with the time of the wall clock: '…, 00:00'.
std::string format_time_for_people(date::local_seconds wall, std::optional<Day> today,
                                   std::string_view language);
// As tables have it: '16.11.2026' in Russian, '16 Nov 2026' in English.
std::string format_short_day(Day day, std::string_view language);
// Likewise with the time of the wall clock: '16.11.2026 00:00'; with seconds where there are some.
std::string format_short_time(date::local_seconds wall, std::string_view language);
// What follows 'до' in Russian and 'up to' in English: '1 дня', '3 дней'; '1 day', '3 days'.
std::string format_day_count_for_people(std::int64_t count, std::string_view language);

}  // namespace saldo
