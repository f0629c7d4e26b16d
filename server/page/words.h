// The vocabulary of the pages: columns, states and codes of the books as people call them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saldo::server {

// How a value is shown.
enum class Show { kText, kMoney, kDay, kTime, kNumber, kWord, kState, kFlag };
std::optional<Show> parse_show(std::string_view name);

struct Word {
  std::string_view key;
  std::string_view russian;
  std::string_view english;
  Show show = Show::kText;  // of a column of that name
};

// Null: there is none of that key.
const Word* find_word(std::string_view key);
// The word of `language` (ru or en); the key itself where there is none.
std::string_view word_of(std::string_view key, std::string_view language);

}  // namespace saldo::server
