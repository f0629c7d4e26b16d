#include "rules/purpose.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "rules/text.h"

namespace saldo {
namespace {

using Text = std::u32string;
using TextView = std::u32string_view;

// Cyrillic letters that look like Latin ones, which people type in their place: contracts 15-А and
// 15-A are the same.
constexpr std::pair<char32_t, char32_t> kAlike[] = {
    {U'а', U'a'}, {U'в', U'b'}, {U'е', U'e'}, {U'ё', U'e'}, {U'к', U'k'},
    {U'м', U'm'}, {U'н', U'h'}, {U'о', U'o'}, {U'р', U'p'}, {U'с', U'c'},
    {U'т', U't'}, {U'у', U'y'}, {U'х', U'x'},
};

// The one spelling; 0 for what is left out.
constexpr char32_t spelled(char32_t c) {
  if (c >= U'A' && c <= U'Z') return c - U'A' + U'a';
  if (c >= U'А' && c <= U'Я') c = c - U'А' + U'а';
  if (c == U'Ё') c = U'ё';
  for (const auto& [cyrillic, latin] : kAlike) {
    if (c == cyrillic) return latin;
  }
  switch (c) {
    case U'№':
      return U'#';
    case U'\u2010':  // hyphens and dashes
    case U'\u2011':
    case U'\u2012':
    case U'\u2013':
    case U'\u2014':
    case U'\u2212':
      return U'-';
    case U'\\':
      return U'/';
    case U'\u00AD':  // soft hyphen
    case U'\u200B':  // zero width
    case U'\u200C':
    case U'\u200D':
    case U'\u2060':
    case U'\uFEFF':
      return 0;
    case U'"':
    case U'\'':
    case U'«':
    case U'»':
    case U'„':
    case U'“':
    case U'”':
    case U'\u00A0':
    case U'\u202F':
      return U' ';
    default:
      return c < U' ' || (c >= U'\u2000' && c <= U'\u200A') ? U' ' : c;
  }
}

// A word of this file in that spelling, at compile time.
template <std::size_t N>
struct Spelled {
  std::array<char32_t, N> letters{};
  constexpr Spelled(const char32_t (&word)[N]) {  // NOLINT(google-explicit-constructor)
    for (std::size_t i = 0; i < N; ++i) letters[i] = word[i] == 0 ? 0 : spelled(word[i]);
  }
  [[nodiscard]] constexpr TextView view() const { return {letters.data(), N - 1}; }
};

constexpr bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
constexpr bool is_letter(char32_t c) {
  return (c >= U'a' && c <= U'z') || (c >= U'а' && c <= U'я') || (c >= U'\u00C0' && c <= U'\u024F');
}

struct Token {
  enum class Type { kWord, kDigits, kMark };
  Type type = Type::kMark;
  Text text;
  bool glued = false;  // to the token before it
};

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  bool glued = false;
  while (!text.empty()) {
    const char32_t c = spelled(take_utf8_character(text));
    if (c == 0) continue;
    if (c == U' ') {
      glued = false;
      continue;
    }
    const auto type = is_digit(c)    ? Token::Type::kDigits
                      : is_letter(c) ? Token::Type::kWord
                                     : Token::Type::kMark;
    if (glued && type != Token::Type::kMark && tokens.back().type == type) {
      tokens.back().text += c;
    } else {
      tokens.push_back({type, Text(1, c), glued});
    }
    glued = true;
  }
  return tokens;
}

template <std::size_t... N>
bool is_any(TextView word, const Spelled<N>&... words) {
  return ((word == words.view()) || ...);
}

bool begins(TextView word, TextView beginning) {
  return word.substr(0, beginning.size()) == beginning;
}

// Whether a word is the stem with one of these endings.
template <std::size_t N, std::size_t... M>
bool is_form(TextView word, const Spelled<N>& stem, const Spelled<M>&... endings) {
  if (!begins(word, stem.view())) return false;
  word.remove_prefix(stem.view().size());
  return word.empty() || is_any(word, endings...);
}

bool is_month_stem(TextView word, unsigned& month) {
  constexpr Spelled<4> kStems[] = {U"янв", U"фев", U"мар", U"апр", U"мая", U"июн",
                                   U"июл", U"авг", U"сен", U"окт", U"ноя", U"дек"};
  for (month = 1; month <= 12; ++month) {
    if (begins(word, kStems[month - 1].view())) return true;
  }
  return false;
}

class PurposeReader {
 public:
  explicit PurposeReader(std::string_view text) : tokens_(tokens_of(text)) {}

  std::vector<Named> read() {
    while (at_ < tokens_.size()) {
      if (const auto kind = keyword()) {
        read_numbers(*kind);
      } else {
        ++at_;
      }
    }
    return std::move(named_);
  }

 private:
  using Type = Token::Type;

  [[nodiscard]] const Token* peek(std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() ? &tokens_[at_ + ahead] : nullptr;
  }
  [[nodiscard]] bool is_type(std::size_t ahead, Type type) const {
    const auto* token = peek(ahead);
    return token != nullptr && token->type == type;
  }
  [[nodiscard]] bool is_mark(std::size_t ahead, TextView marks) const {
    const auto* token = peek(ahead);
    return token != nullptr && token->type == Type::kMark &&
           marks.find(token->text.front()) != TextView::npos;
  }
  [[nodiscard]] TextView word(std::size_t ahead = 0) const {
    return is_type(ahead, Type::kWord) ? TextView(peek(ahead)->text) : TextView();
  }

  static bool is_bill(TextView word) {
    return is_form(word, Spelled(U"счет"), Spelled(U"а"), Spelled(U"у"), Spelled(U"ом"),
                   Spelled(U"е"), Spelled(U"ов"), Spelled(U"ам"), Spelled(U"ами"),
                   Spelled(U"ах")) ||
           is_any(word, Spelled(U"сч"), Spelled(U"invoice"), Spelled(U"invoices"));
  }
  static bool is_contract(TextView word) {
    return is_form(word, Spelled(U"договор"), Spelled(U"а"), Spelled(U"у"), Spelled(U"ом"),
                   Spelled(U"е"), Spelled(U"ы"), Spelled(U"ов"), Spelled(U"ам"), Spelled(U"ами"),
                   Spelled(U"ах")) ||
           is_form(word, Spelled(U"контракт"), Spelled(U"а"), Spelled(U"у"), Spelled(U"ом"),
                   Spelled(U"е"), Spelled(U"ы"), Spelled(U"ов"), Spelled(U"ам"), Spelled(U"ами")) ||
           is_any(word, Spelled(U"дог"), Spelled(U"контр"), Spelled(U"contract"),
                  Spelled(U"contracts"));
  }
  static bool is_personal(TextView word) {
    return is_form(word, Spelled(U"лиц"), Spelled(U"евой"), Spelled(U"евого"), Spelled(U"евому"),
                   Spelled(U"евым"), Spelled(U"евом"), Spelled(U"евые"), Spelled(U"евых"));
  }
  static bool is_account_word(TextView word) {
    return is_any(word, Spelled(U"лс"), Spelled(U"лсч"), Spelled(U"account"), Spelled(U"accounts"),
                  Spelled(U"acct")) ||
           is_glued_personal(word);
  }
  // 'лицевойсчет'
  static bool is_glued_personal(TextView word) {
    for (std::size_t length = 3; length < word.size(); ++length) {
      if (is_personal(word.substr(0, length)) && is_bill(word.substr(length))) return true;
    }
    return false;
  }
  static bool is_number_word(TextView word) {
    return is_any(word, Spelled(U"n"), Spelled(U"no"), Spelled(U"nr"), Spelled(U"number"),
                  Spelled(U"id")) ||
           is_form(word, Spelled(U"номер"), Spelled(U"а"), Spelled(U"у"), Spelled(U"ом"),
                   Spelled(U"ам"), Spelled(U"ами"));
  }
  [[nodiscard]] bool is_number_sign(std::size_t ahead) const {
    return is_mark(ahead, U"#") || is_number_word(word(ahead));
  }

  // Moves behind a keyword that stands here, and says what it names.
  std::optional<Named::Kind> keyword() {
    const auto first = word();
    if (first.empty()) return std::nullopt;
    if (is_account_word(first)) return take(1, Named::Kind::kAccount);
    // «л/с», «л. с.», «л/сч», «л с»; «лиц. счет», «лиц/счет», «лицевой счет».
    const bool is_letter = is_any(first, Spelled(U"л"));
    if (is_letter || is_personal(first)) {
      std::size_t ahead = 1;
      while (is_mark(ahead, U"./-")) ++ahead;
      if (is_any(word(ahead), Spelled(U"с")) || is_bill(word(ahead)))
        return take(ahead + 1, Named::Kind::kAccount);
      return std::nullopt;
    }
    // A bank's: «р/с», «р/счет», «расчетный счет», «корр. счет», «банковский счет», "bank account".
    if (is_bank_word(first)) {
      std::size_t ahead = 1;
      while (is_mark(ahead, U"./-")) ++ahead;
      const bool is_abbreviated = first.size() > 1 || ahead > 1;  // not «к счету»
      if (is_abbreviated && (is_bill(word(ahead)) || is_account_word(word(ahead)) ||
                             is_any(word(ahead), Spelled(U"с"))))
        at_ += ahead;
      return std::nullopt;
    }
    if (is_bill(first)) {
      // «счет-фактура», «сч/ф», «с/ф» are no invoices to pay by.
      std::size_t ahead = 1;
      while (is_mark(ahead, U"./-")) ++ahead;
      if (begins(word(ahead), Spelled(U"фактур").view()) || is_any(word(ahead), Spelled(U"ф"))) {
        at_ += ahead;
        return std::nullopt;
      }
      return take(1, Named::Kind::kInvoice);
    }
    if (begins(first, Spelled(U"счетфактур").view())) return std::nullopt;
    if (is_contract(first)) {
      // «дог-р», «дог-ру»
      std::size_t length = 1;
      if (is_any(first, Spelled(U"дог")) && is_mark(1, U"-") && peek(1)->glued &&
          is_form(word(2), Spelled(U"р"), Spelled(U"а"), Spelled(U"у"), Spelled(U"ом")) &&
          peek(2)->glued)
        length = 3;
      return take(length, Named::Kind::kContract);
    }
    return std::nullopt;
  }

  static bool is_bank_word(TextView word) {
    return is_any(word, Spelled(U"р"), Spelled(U"к"), Spelled(U"кор"), Spelled(U"корр"),
                  Spelled(U"рас"), Spelled(U"расч"), Spelled(U"bank")) ||
           begins(word, Spelled(U"расчетн").view()) || begins(word, Spelled(U"корресп").view()) ||
           begins(word, Spelled(U"банковск").view());
  }

  std::optional<Named::Kind> take(std::size_t tokens, Named::Kind kind) {
    keyword_at_ = at_;
    at_ += tokens;
    return kind;
  }

  // From behind a keyword: its number, or several of them.
  void read_numbers(Named::Kind kind) {
    const auto begin = at_;
    const bool is_doubtful = is_double() || is_denied() || may_be_horsepower();
    std::optional<Day> date;
    bool bad_date = false;
    read_date(date, bad_date);
    bool has_sign = skip_to_number();
    if (!has_sign && is_between(kind, word())) {
      // Words between, up to the number's sign: «договору оказания услуг № 15».
      while (is_between(kind, word())) ++at_;
      read_date(date, bad_date);
      has_sign = skip_to_number();
      if (!has_sign) {
        at_ = begin;
        return note_unread(kind);
      }
    }
    if (!is_number_here(kind, has_sign)) {
      at_ = begin;
      return note_unread(kind);
    }
    read_number(kind, date, is_doubtful || bad_date);
    while (read_next_of_list(kind)) {
    }
  }

  // The word so many tokens before the keyword that was taken last.
  [[nodiscard]] TextView word_before(std::size_t tokens) const {
    if (keyword_at_ < tokens) return {};
    const Token& token = tokens_[keyword_at_ - tokens];
    return token.type == Type::kWord ? TextView(token.text) : TextView();
  }

  // «счет-договор», «договор-счет»
  [[nodiscard]] bool is_double() const {
    return keyword_at_ >= 2 && tokens_[keyword_at_ - 1].text == U"-" &&
           (is_bill(word_before(2)) || is_contract(word_before(2)));
  }

  // «без договора», «не по договору», «вместо ЛС»
  [[nodiscard]] bool is_denied() const {
    const auto is_not = [](TextView word) { return is_any(word, Spelled(U"не"), Spelled(U"not")); };
    const auto before = word_before(1);
    if (is_any(before, Spelled(U"без"), Spelled(U"вместо"), Spelled(U"кроме")) || is_not(before))
      return true;
    return is_any(before, Spelled(U"по"), Spelled(U"на"), Spelled(U"за"), Spelled(U"к"),
                  Spelled(U"for"), Spelled(U"to")) &&
           is_not(word_before(2));
  }

  // «80 л.с.»
  [[nodiscard]] bool may_be_horsepower() const {
    return keyword_at_ >= 1 && tokens_[keyword_at_ - 1].type == Type::kDigits &&
           is_any(tokens_[keyword_at_].text, Spelled(U"л")) &&
           tokens_[keyword_at_ + 1].text == U".";
  }

  // Of an account or a contract whose number was not read: what stands behind, up to the next
  // keyword, and might be it all the same is named, unclear («ЛС Иванова И.И. 16»).
  void note_unread(Named::Kind kind) {
    if (kind == Named::Kind::kInvoice) return;
    const auto begin = at_;
    while (peek() != nullptr) {
      const auto here = at_;
      if (keyword()) break;
      if (at_ != here || is_other_name()) {
        ++at_;
        skip_one_number();
      } else if (const auto tokens = plain_number()) {
        at_ += tokens;
      } else if (const auto* number = unread_number()) {
        Named named;
        named.kind = kind;
        named.unclear = true;
        for (const char32_t c : number->text) append_utf8(named.number, c);
        if (number != peek() && is_type(2, Type::kDigits)) {
          for (const char32_t c : peek(2)->text) append_utf8(named.number, c);
        }
        if (std::find(named_.begin(), named_.end(), named) == named_.end())
          named_.push_back(std::move(named));
        break;
      } else {
        ++at_;
      }
    }
    at_ = begin;
  }

  // Digits, or what stands behind a sign, but for «№ б/н» and «№ от 01.02.2026».
  [[nodiscard]] const Token* unread_number() const {
    if (is_type(0, Type::kDigits)) return peek();
    const bool is_named =
        is_mark(0, U"#") && !word(1).empty() && !is_any(word(1), Spelled(U"б"), Spelled(U"от"));
    return is_named ? peek(1) : nullptr;
  }

  // Words whose number is not that of an account or contract.
  [[nodiscard]] bool is_other_name() const {
    const auto first = word();
    return is_any(first, Spelled(U"инн"), Spelled(U"кпп"), Spelled(U"бик"), Spelled(U"огрн"),
                  Spelled(U"огрнип"), Spelled(U"уин"), Spelled(U"уип"), Spelled(U"кбк"),
                  Spelled(U"октмо"), Spelled(U"упд"), Spelled(U"ндс"), Spelled(U"тел"),
                  Spelled(U"телефон"), Spelled(U"сумма")) ||
           is_form(first, Spelled(U"акт"), Spelled(U"а"), Spelled(U"у"), Spelled(U"ом")) ||
           begins(first, Spelled(U"накладн").view());
  }

  // Also of a telephone: «8 (916) 123-45-67».
  void skip_one_number() {
    while (is_number_sign(0) || is_mark(0, U".:-(+")) ++at_;
    if (!is_type(0, Type::kDigits) || plain_number() > 0) return;
    ++at_;
    if (is_mark(0, U"(") && is_type(1, Type::kDigits) && is_mark(2, U")")) at_ += 3;
    if (is_type(0, Type::kDigits) && is_mark(1, U"-") && is_type(2, Type::kDigits)) ++at_;
    while (const auto tokens = joined_tokens()) at_ += tokens;
  }

  // How many tokens here are a date, a month with its year, a sum, a count, a year or the number
  // of a bank's account; 0: none of them.
  [[nodiscard]] std::size_t plain_number() const {
    if (!is_type(0, Type::kDigits)) return 0;
    if (const auto date = date_at(0); date.tokens > 0) return date.tokens;
    constexpr std::size_t kYear = 4;
    const auto is_year = [&](std::size_t ahead) {
      return is_type(ahead, Type::kDigits) && peek(ahead)->text.size() == kYear;
    };
    if (is_mark(1, U"./") && is_year(2) && peek()->text.size() <= 2) return 3;
    if (is_sum_at(0)) return sum_tokens();
    unsigned month = 0;
    if (is_year_at(0) || (is_year(0) && at_ > 0 && is_month_stem(tokens_[at_ - 1].text, month)))
      return 1;
    return peek()->text.size() >= kBankDigitsMin ? 1 : 0;
  }

  // «1 000,00» in digits and marks.
  [[nodiscard]] std::size_t sum_tokens() const {
    constexpr std::size_t kGroup = 3;
    std::size_t tokens = 1;
    while (is_type(tokens, Type::kDigits) && !peek(tokens)->glued &&
           peek(tokens)->text.size() == kGroup)
      ++tokens;
    const bool has_minor = is_mark(tokens, U".,-=") && peek(tokens)->glued &&
                           is_type(tokens + 1, Type::kDigits) && peek(tokens + 1)->glued;
    return has_minor ? tokens + 2 : tokens;
  }

  // Words that may stand between what is named and the sign of its number.
  static bool is_between(Named::Kind kind, TextView word) {
    if (word.empty() || is_number_word(word)) return false;
    const auto is_stem = [&](const auto&... stems) { return (begins(word, stems.view()) || ...); };
    if (kind == Named::Kind::kAccount) {
      return is_stem(Spelled(U"клиент"), Spelled(U"абонент"), Spelled(U"плательщик"),
                     Spelled(U"пользовател"), Spelled(U"компани"), Spelled(U"организаци"));
    }
    return is_any(word, Spelled(U"на"), Spelled(U"об"), Spelled(U"о"), Spelled(U"за"),
                  Spelled(U"и")) ||
           is_stem(Spelled(U"оказан"), Spelled(U"услуг"), Spelled(U"постав"), Spelled(U"оферт"),
                   Spelled(U"возмезд"), Spelled(U"обслуж"), Spelled(U"публич"), Spelled(U"аренд"),
                   Spelled(U"лиценз"), Spelled(U"подряд"), Spelled(U"абонент"), Spelled(U"связ"),
                   Spelled(U"информац"), Spelled(U"предостав"), Spelled(U"доступ"),
                   Spelled(U"сопровожд"), Spelled(U"техническ"), Spelled(U"оплат"),
                   Spelled(U"пользовани"), Spelled(U"программ"));
  }

  // Over colons and the like, and signs of a number, of which it says whether there was one.
  bool skip_to_number() {
    bool has_sign = false;
    for (;;) {
      if (is_number_sign(0)) {
        has_sign = true;
      } else if (!is_mark(0, U".:=-(_/")) {
        return has_sign;
      }
      ++at_;
    }
  }

  // A number begins with a digit; without a sign before it, it is not a date, a sum or a year. That
  // of a contract or invoice may begin with up to four letters, where digits follow at once
  // («К-15», «ДУ15»), and behind a sign with any word that has digits in it.
  [[nodiscard]] bool is_number_here(Named::Kind kind, bool has_sign) const {
    if (is_type(0, Type::kDigits))
      return date_at(0).tokens != kNumericDate && (has_sign || (!is_sum_at(0) && !is_year_at(0)));
    constexpr std::size_t kLettersMax = 4;
    if (kind == Named::Kind::kAccount || word().empty()) return false;
    if (!has_sign && word().size() > kLettersMax) return false;
    std::size_t ahead = 1;
    while (peek(ahead) != nullptr && peek(ahead)->glued &&
           (is_mark(ahead, U"-/.") || (has_sign && is_type(ahead, Type::kWord))))
      ++ahead;
    return is_type(ahead, Type::kDigits) && peek(ahead)->glued;
  }

  // Words that may follow a number without a blank.
  static bool is_following_word(TextView word) {
    return is_any(word, Spelled(U"от"), Spelled(U"ндс"), Spelled(U"без"), Spelled(U"сумма"),
                  Spelled(U"оплата"));
  }

  void read_number(Named::Kind kind, std::optional<Day> date, bool unclear) {
    Named named;
    named.kind = kind;
    Text number = peek()->text;
    ++at_;
    while (const auto tokens = joined_tokens()) {
      for (std::size_t i = 0; i < tokens; ++i) number += tokens_[at_ + i].text;
      at_ += tokens;
    }
    const bool is_plain = std::all_of(number.begin(), number.end(), is_digit);
    const bool may_go_on = goes_on();
    bool bad_date = false;
    if (!date) read_date(date, bad_date);
    named.date = date;
    named.unclear =
        unclear || bad_date || may_go_on || (kind == Named::Kind::kAccount && !is_plain);
    if (is_plain && number.size() >= kBankDigitsMin) return;
    for (const char32_t c : number) append_utf8(named.number, c);
    if (std::find(named_.begin(), named_.end(), named) == named_.end())
      named_.push_back(std::move(named));
  }

  // How many of the next tokens belong to the number: «15К», «15/26-К», «15.1», also «15 / 26»; but
  // not «15от», «15.НДС», «15-НДС», «15 - 1000-00».
  [[nodiscard]] std::size_t joined_tokens() const {
    const auto* next = peek();
    if (next == nullptr) return 0;
    if (next->type != Type::kMark) return next->glued && !is_following_word(next->text) ? 1 : 0;
    const auto* after = peek(1);
    if (after == nullptr || after->type == Type::kMark) return 0;
    const bool is_glued = next->glued && after->glued;
    if (after->type == Type::kWord) {
      const bool is_other = is_following_word(after->text) && !is_any(after->text, Spelled(U"от"));
      return is_glued && is_mark(0, U"-/_") && !is_other ? 2 : 0;
    }
    const bool joins = is_glued ? is_mark(0, U"-/_.,") : is_mark(0, U"-/");
    return joins && (is_glued || (!is_date_at(1) && !is_sum_at(1))) ? 2 : 0;
  }

  // Whether what stands behind a number may be more of it, or another one: «15 16», «15 № 16»,
  // «15 А от …», «15 / К»; or the number a day's: «15 января 2026».
  bool goes_on() {
    if (is_type(0, Type::kDigits)) return !is_date_at(0) && !is_sum_at(0) && !is_year_at(0);
    if (is_mark(0, U"/") || (is_number_sign(0) && is_type(1, Type::kDigits))) return true;
    unsigned month = 0;
    if (is_month_stem(word(), month)) return true;
    return word().size() == 1 && !is_keyword_here() &&
           (peek(1) == nullptr || is_type(1, Type::kMark) || is_any(word(1), Spelled(U"от")));
  }

  // Also of a bank's account, «р/с».
  bool is_keyword_here() {
    const auto here = std::pair(at_, keyword_at_);
    const bool is_one = keyword().has_value() || at_ != here.first;
    std::tie(at_, keyword_at_) = here;
    return is_one;
  }

  // «15, 16», «15 и 16», «15 или 16», «№15,№16».
  bool read_next_of_list(Named::Kind kind) {
    std::size_t ahead = 0;
    if (is_mark(0, U",;+&") ||
        is_any(word(), Spelled(U"и"), Spelled(U"или"), Spelled(U"and"), Spelled(U"or")))
      ahead = 1;
    if (ahead == 0) return false;
    const auto begin = at_;
    at_ += ahead;
    const bool has_sign = skip_to_number();
    if (!is_number_here(kind, has_sign) || (!has_sign && !is_type(0, Type::kDigits))) {
      at_ = begin;
      return false;
    }
    read_number(kind, std::nullopt, false);
    return true;
  }

  // «1000 руб», «1000-00», «1 000,00», «20%»: from the token at `ahead` on.
  [[nodiscard]] bool is_sum_at(std::size_t ahead) const {
    constexpr std::size_t kGroup = 3;
    constexpr std::size_t kMinorDigits = 2;
    if (!is_type(ahead, Type::kDigits)) return false;
    ++ahead;
    while (is_type(ahead, Type::kDigits) && !peek(ahead)->glued &&
           peek(ahead)->text.size() == kGroup)
      ++ahead;
    if (is_mark(ahead, U".,-=") && is_type(ahead + 1, Type::kDigits) && peek(ahead)->glued &&
        peek(ahead + 1)->glued && peek(ahead + 1)->text.size() == kMinorDigits &&
        !(is_mark(ahead + 2, U"./-") && is_type(ahead + 3, Type::kDigits)))
      return true;
    const auto unit = word(ahead);
    return is_mark(ahead, U"%₽") ||
           (is_any(unit, Spelled(U"р")) && !is_mark(ahead + 1, U"/")) ||  // not «р/с»
           is_any(unit, Spelled(U"rub"), Spelled(U"rur")) || begins(unit, Spelled(U"руб").view()) ||
           begins(unit, Spelled(U"коп").view()) || is_thing(unit);
  }

  // What is counted in purposes: days, months, pieces, people.
  static bool is_thing(TextView word) {
    return is_any(word, Spelled(U"дн"), Spelled(U"день"), Spelled(U"дня"), Spelled(U"дней"),
                  Spelled(U"шт"), Spelled(U"чел"), Spelled(U"мес")) ||
           begins(word, Spelled(U"месяц").view()) || begins(word, Spelled(U"штук").view()) ||
           begins(word, Spelled(U"человек").view()) || begins(word, Spelled(U"сотрудник").view());
  }

  [[nodiscard]] bool is_year_at(std::size_t ahead) const {
    constexpr std::size_t kDigits = 4;
    return is_type(ahead, Type::kDigits) && peek(ahead)->text.size() == kDigits &&
           (is_any(word(ahead + 1), Spelled(U"г"), Spelled(U"гг")) ||
            begins(word(ahead + 1), Spelled(U"год").view()));
  }

  static int number_of(const Text& digits) {
    int number = 0;
    for (const char32_t c : digits) number = number * 10 + static_cast<int>(c - U'0');
    return number;
  }

  static constexpr std::size_t kNumericDate = 5;  // tokens
  struct DateAt {
    std::size_t tokens = 0;  // 0: there is no date
    std::optional<Day> day;  // nullopt: one that does not exist
  };

  // «01.02.2026», «1/2/26», «2026-02-01», «1 февраля 2026».
  [[nodiscard]] DateAt date_at(std::size_t ahead) const {
    constexpr std::size_t kShort = 2;
    constexpr std::size_t kYear = 4;
    const auto size = [&](std::size_t at) {
      return is_type(at, Type::kDigits) ? peek(at)->text.size() : 0;
    };
    const auto make = [&](std::size_t tokens, int year, unsigned month, int day) -> DateAt {
      constexpr int kCentury = 2000;
      if (year < 100) year += kCentury;
      const date::year_month_day ymd{date::year{year}, date::month{month},
                                     date::day{static_cast<unsigned>(day)}};
      return {tokens, ymd.ok() ? std::optional(Day{ymd}) : std::nullopt};
    };
    const auto is_short = [&](std::size_t at) { return size(at) >= 1 && size(at) <= kShort; };
    const auto is_year = [&](std::size_t at) { return size(at) == kShort || size(at) == kYear; };
    const bool three = is_mark(ahead + 1, U"./-") && is_mark(ahead + 3, U"./-") &&
                       peek(ahead + 1)->text == peek(ahead + 3)->text && size(ahead + 2) > 0;
    if (three && is_short(ahead) && is_short(ahead + 2) && is_year(ahead + 4)) {
      return make(kNumericDate, number_of(peek(ahead + 4)->text),
                  static_cast<unsigned>(number_of(peek(ahead + 2)->text)),
                  number_of(peek(ahead)->text));
    }
    if (three && size(ahead) == kYear && is_short(ahead + 2) && is_short(ahead + 4)) {
      return make(kNumericDate, number_of(peek(ahead)->text),
                  static_cast<unsigned>(number_of(peek(ahead + 2)->text)),
                  number_of(peek(ahead + 4)->text));
    }
    unsigned month = 0;
    if (is_short(ahead) && is_month_stem(word(ahead + 1), month) && is_year(ahead + 2)) {
      return make(3, number_of(peek(ahead + 2)->text), month, number_of(peek(ahead)->text));
    }
    return {};
  }
  [[nodiscard]] bool is_date_at(std::size_t ahead) const { return date_at(ahead).tokens > 0; }

  // «от 01.02.2026 г.», «. от 01.02.2026», in figures also without «от»;
  // moves behind it.
  void read_date(std::optional<Day>& date, bool& bad_date) {
    std::size_t ahead = 0;
    while (is_mark(ahead, U".:")) ++ahead;
    if (is_any(word(ahead), Spelled(U"от"), Spelled(U"dated"), Spelled(U"of"))) {
      ++ahead;
      while (is_mark(ahead, U".:")) ++ahead;
    } else {
      ahead = 0;
    }
    const auto found = date_at(ahead);
    if (found.tokens == 0 || (ahead == 0 && found.tokens != kNumericDate)) return;
    date = found.day;
    bad_date = bad_date || !found.day;
    at_ += ahead + found.tokens;
    if (is_any(word(), Spelled(U"г")) || begins(word(), Spelled(U"год").view())) ++at_;
    if (is_mark(0, U".") && at_ > 0 && is_any(TextView(tokens_[at_ - 1].text), Spelled(U"г")))
      ++at_;
  }

  // The account of a bank's client has 20 digits.
  static constexpr std::size_t kBankDigitsMin = 17;

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t keyword_at_ = 0;  // the one that was taken last
  std::vector<Named> named_;
};

}  // namespace

std::vector<Named> named_in(std::string_view text) { return PurposeReader(text).read(); }

std::optional<Named> parse_contract(std::string_view text) {
  auto named = named_in(text);
  for (const auto* word : {"договор ", "договор № "}) {
    if (named.empty()) named = named_in(word + std::string(text));
  }
  if (named.size() != 1 || named[0].kind != Named::Kind::kContract || named[0].unclear)
    return std::nullopt;
  return std::move(named[0]);
}

}  // namespace saldo
