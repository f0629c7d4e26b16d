// 1CClientBankExchange: lines of KEY=VALUE, in sections.
//
//   1CClientBankExchange
//   …                                  the header: ВерсияФормата, РасчСчет (once for each account)
//   СекцияРасчСчет … КонецРасчСчет     what a period says of an account: balances, turnover
//   СекцияДокумент=… … КонецДокумента  a document
//   КонецФайла
//
// What programs of banks make of it, and how it is read here:
//   - An account may have a section for each day; sections stand before all documents, or before
//     those of their account. Names of keys come in capitals too.
//   - A key may be absent instead of empty; a value may hold `=`, and go on in the next line.
//   - Плательщик is "ИНН 7700000000 ООО …", "7700000000, ООО …" or the bare name, Плательщик1 the
//     name; ПлательщикСчет the account, ПлательщикРасчСчет the same or that of the bank.
//   - НазначениеПлатежа is the whole purpose, or НазначениеПлатежа1 to 6 are, or both.
//   - A document is booked on ДатаСписано for the payer and on ДатаПоступило for the payee. Some
//     banks give neither; then only the account's turnover tells that the documents are counted.
#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "statements/fields.h"
#include "statements/formats.h"

namespace saldo {
namespace {

enum class Key {
  kUnknown,
  // Of lines that begin or end something.
  kBeginAccount,
  kEndAccount,
  kBeginDocument,
  kEndDocument,
  kEndFile,
  // Of the header and of an account's section.
  kVersion,
  kAccount,
  kOpeningBalance,
  kClosingBalance,
  kTotalIn,
  kTotalOut,
  // Of a document.
  kNumber,
  kDate,
  kSum,
  kDebitedOn,
  kCreditedOn,
  kPayer,
  kPayerName,
  kPayerTaxId,
  kPayerAccount,
  kPayerBankAccount,
  kPayerOtherAccount,
  kPayee,
  kPayeeName,
  kPayeeTaxId,
  kPayeeAccount,
  kPayeeBankAccount,
  kPayeeOtherAccount,
  kPurpose,
  kPurpose1,
  kPurpose6 = kPurpose1 + 5,
  kCount
};

// Letters in lower case, ё as е; writes as many bytes as `text` has.
void fold_to(std::string_view text, char* folded) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const auto put = [&](unsigned first, unsigned second) {
      folded[i] = static_cast<char>(first);
      folded[++i] = static_cast<char>(second);
    };
    if (byte == 0xD0 && next >= 0x90 && next <= 0x9F) {  // А to П
      put(0xD0, next + 0x20U);
    } else if (byte == 0xD0 && next >= 0xA0 && next <= 0xAF) {  // Р to Я
      put(0xD1, next - 0x20U);
    } else if ((byte == 0xD0 && next == 0x81) || (byte == 0xD1 && next == 0x91)) {  // Ё, ё
      put(0xD0, 0xB5);
    } else {
      folded[i] = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : text[i];
    }
  }
}

std::string fold(std::string_view text) {
  std::string folded(text.size(), '\0');
  fold_to(text, folded.data());
  return folded;
}

// Keys are read in each line: without an allocation.
constexpr std::size_t kKeyBytesMax = 64;

Key find_key(std::string_view key) {
  static TextPool folded;
  static const std::unordered_map<std::string_view, Key> kKeys = [] {
    constexpr std::pair<std::string_view, Key> kNames[] = {
        {"СекцияРасчСчет", Key::kBeginAccount},
        {"КонецРасчСчет", Key::kEndAccount},
        {"СекцияДокумент", Key::kBeginDocument},
        {"КонецДокумента", Key::kEndDocument},
        {"КонецФайла", Key::kEndFile},
        {"ВерсияФормата", Key::kVersion},
        {"РасчСчет", Key::kAccount},
        {"НачальныйОстаток", Key::kOpeningBalance},
        {"КонечныйОстаток", Key::kClosingBalance},
        {"ВсегоПоступило", Key::kTotalIn},
        {"ВсегоСписано", Key::kTotalOut},
        {"Номер", Key::kNumber},
        {"Дата", Key::kDate},
        {"Сумма", Key::kSum},
        {"ДатаСписано", Key::kDebitedOn},
        {"ДатаПоступило", Key::kCreditedOn},
        {"Плательщик", Key::kPayer},
        {"Плательщик1", Key::kPayerName},
        {"ПлательщикИНН", Key::kPayerTaxId},
        {"ПлательщикСчет", Key::kPayerAccount},
        {"ПлательщикРасчСчет", Key::kPayerBankAccount},
        {"Плательщик2", Key::kPayerOtherAccount},
        {"Получатель", Key::kPayee},
        {"Получатель1", Key::kPayeeName},
        {"ПолучательИНН", Key::kPayeeTaxId},
        {"ПолучательСчет", Key::kPayeeAccount},
        {"ПолучательРасчСчет", Key::kPayeeBankAccount},
        {"Получатель2", Key::kPayeeOtherAccount},
        {"НазначениеПлатежа", Key::kPurpose},
    };
    std::unordered_map<std::string_view, Key> keys;
    for (const auto& [name, known] : kNames) keys.emplace(folded.keep(fold(name)), known);
    for (int i = 0; i < 6; ++i) {
      keys.emplace(folded.keep(fold("НазначениеПлатежа") + std::to_string(i + 1)),
                   static_cast<Key>(static_cast<int>(Key::kPurpose1) + i));
    }
    return keys;
  }();
  if (key.size() > kKeyBytesMax) return Key::kUnknown;
  std::array<char, kKeyBytesMax> bytes;
  fold_to(key, bytes.data());
  const auto found = kKeys.find(std::string_view(bytes.data(), key.size()));
  return found == kKeys.end() ? Key::kUnknown : found->second;
}

// Whether it can be a key: letters and digits.
bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

struct Line {
  std::size_t number = 0;
  std::string_view text;  // without white space at the ends
  std::string_view key;   // empty: the line has none
  std::string_view value;
  bool has_value = false;  // there is an '='
};

// The lines that are not blank, one after the other. They end with LF or CR LF; in a file that has
// no LF, with CR.
class Lines {
 public:
  explicit Lines(std::string_view text)
      : rest_(text), end_(text.find('\n') == std::string_view::npos ? '\r' : '\n') {}

  std::optional<Line> next() {
    while (!rest_.empty()) {
      const std::size_t end = std::min(rest_.find(end_), rest_.size());
      const std::string_view raw = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++number_;
      Line line{number_, trim(raw), {}, {}, false};
      if (line.text.empty()) continue;
      const std::size_t equals = line.text.find('=');
      line.has_value = equals != std::string_view::npos;
      const std::string_view key = trim(line.text.substr(0, equals));
      if (is_word(key)) {
        line.key = key;
        if (line.has_value) line.value = trim(line.text.substr(equals + 1));
      }
      return line;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  char end_;
  std::size_t number_ = 0;
};

// By the digits that a Russian account's number has for its currency, of the classifier ОК 014
// (810 is the rouble of before 1998, which account numbers kept). An account of another kind is
// taken for one in roubles, as the format is a Russian one; the digits stand for a currency that
// is not listed.
std::string_view currency_of(std::string_view account) {
  constexpr std::size_t kAccountDigits = 20;
  constexpr std::pair<std::string_view, std::string_view> kCurrencies[] = {
      {"810", "RUB"}, {"643", "RUB"}, {"840", "USD"}, {"978", "EUR"}, {"156", "CNY"},
      {"826", "GBP"}, {"756", "CHF"}, {"392", "JPY"}, {"398", "KZT"}, {"933", "BYN"},
      {"051", "AMD"}, {"944", "AZN"}, {"981", "GEL"}, {"417", "KGS"}, {"498", "MDL"},
      {"972", "TJS"}, {"934", "TMT"}, {"860", "UZS"}, {"980", "UAH"}, {"949", "TRY"},
      {"784", "AED"}, {"356", "INR"}, {"344", "HKD"}, {"702", "SGD"}, {"410", "KRW"},
      {"764", "THB"}, {"704", "VND"}, {"941", "RSD"}, {"124", "CAD"}, {"036", "AUD"},
  };
  if (account.size() != kAccountDigits || !is_all_digits(account.substr(0, 8))) return "RUB";
  const std::string_view digits = account.substr(5, 3);
  for (const auto& [code, currency] : kCurrencies) {
    if (code == digits) return currency;
  }
  return digits;
}

// Whether two account numbers may be the same, one of them masked ('40702810****1234').
bool are_alike(std::string_view one, std::string_view other) {
  constexpr std::size_t kAlikeMin = 6;
  if (one == other) return !one.empty();
  if (one.size() != other.size()) return false;
  std::size_t alike = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const auto is_mask = [](char c) { return c == '*' || c == 'X' || c == 'x' || c == '#'; };
    if (is_mask(one[i]) || is_mask(other[i])) continue;
    if (one[i] != other[i]) return false;
    ++alike;
  }
  return alike >= kAlikeMin;
}

// "ИНН 7700000000 ООО «Ромашка»", "7700000000/770001001, ООО «Ромашка»": what stands before the
// name.
struct TaxIdAndName {
  std::string_view tax_id;
  std::string_view name;
};

std::size_t count_digits(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

TaxIdAndName split_tax_id(std::string_view text) {
  constexpr std::string_view kSeparators = " ,;:./\\|-\t";
  const auto skip = [&](std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(kSeparators), rest.size()));
  };
  const auto take_word = [&](std::string_view& rest, std::string_view word) {
    if (fold(rest.substr(0, word.size())) != word) return false;
    rest.remove_prefix(word.size());
    skip(rest);
    return true;
  };
  constexpr std::size_t kTaxIdDigitsMin = 10;
  constexpr std::size_t kTaxIdDigitsMax = 13;
  std::string_view rest = text;
  const bool named = take_word(rest, "инн");
  const std::size_t digits = count_digits(rest);
  const std::string_view tax_id = rest.substr(0, digits);
  rest.remove_prefix(digits);
  if (digits == 0 || (!named && (digits < kTaxIdDigitsMin || digits > kTaxIdDigitsMax)) ||
      (!rest.empty() && kSeparators.find(rest[0]) == std::string_view::npos))
    return {{}, text};
  const bool slash = rest.starts_with('/') || rest.starts_with('\\');
  skip(rest);
  const bool second = take_word(rest, "кпп") || slash;
  if (const std::size_t more = count_digits(rest);
      second && more > 0 &&
      (more == rest.size() || kSeparators.find(rest[more]) != std::string_view::npos)) {
    rest.remove_prefix(more);
    skip(rest);
  }
  return {tax_id, trim(rest)};
}

// '7700000000', '7700000000/770001001'; none for '0' and the like.
std::string_view tax_id_of(std::string_view text) {
  if (const auto split = split_tax_id(text); !split.tax_id.empty()) text = split.tax_id;
  text = text.substr(0, count_digits(text));
  return text.find_first_not_of('0') == std::string_view::npos ? std::string_view{} : text;
}

class Exchange1c {
 public:
  Exchange1c(std::string_view text, BankStatement& statement)
      : lines_(text), statement_(statement), texts_(statement.texts) {}

  void read() {
    lines_.next();  // the format's name
    bool ended = false;
    while (const auto line = lines_.next()) {
      if (ended) {
        throw invalid_line(line->number, "stands after КонецФайла; a file is one statement");
      }
      ended = read_line(*line);
    }
    if (!ended) {
      throw invalid_line(lines_.number(),
                         "the file ends without КонецФайла: it was cut off" + place());
    }
    settle_transfers();
    compare_totals();
  }

 private:
  enum class Part { kHeader, kAccount, kDocument };

  // Where the file says something of an account.
  struct Account {
    std::string_view number;
    StatedTurnover stated;  // by its sections together; nullopt where one of them does not say
    bool has_sections = false;
    Turnover counted;
  };

  // A document that was not booked, and when it would have been.
  struct Unbooked {
    std::size_t document;
    std::optional<Day> day;
  };

  // A transfer between two own accounts that the file shows once.
  struct Transfer {
    std::size_t document;
    std::size_t payee;
  };

  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  [[nodiscard]] std::string place() const {
    if (part_ == Part::kHeader) return {};
    return std::string(part_ == Part::kDocument ? " in the document"
                                                : " in the account's section") +
           " that begins on line " + std::to_string(part_begins_);
  }

  // Whether the file ends with it.
  bool read_line(const Line& line) {
    const Key key = line.key.empty() ? Key::kUnknown : find_key(line.key);
    switch (key) {
      case Key::kBeginAccount:
      case Key::kBeginDocument:
        begin(line, key == Key::kBeginAccount ? Part::kAccount : Part::kDocument);
        return false;
      case Key::kEndAccount:
        end(line, Part::kAccount);
        return false;
      case Key::kEndDocument:
        end(line, Part::kDocument);
        return false;
      case Key::kEndFile:
        if (part_ != Part::kHeader) throw invalid_line(line.number, "КонецФайла" + place());
        return true;
      default:
        break;
    }
    if (part_ == Part::kDocument) {
      read_document_line(line, key);
    } else if (line.key.empty()) {
      throw invalid_line(line.number, "a line of KEY=VALUE is expected here");
    } else if (part_ == Part::kAccount) {
      if (key >= Key::kAccount && key <= Key::kTotalOut)
        section_[index(key)] = {line.number, line.value};
    } else if (key == Key::kAccount) {
      find_account(clean_account(line.value, texts_));
    } else if (key == Key::kVersion && !line.value.empty() && !line.value.starts_with("1.")) {
      throw invalid_line(line.number,
                         "versions 1.01 to 1.03 of the format are read, not " + quoted(line.value));
    }
    return false;
  }

  void begin(const Line& line, Part part) {
    if (part_ != Part::kHeader)
      throw invalid_line(line.number, std::string(line.key) + place() + ", which has no end");
    part_ = part;
    part_begins_ = line.number;
    last_ = Key::kUnknown;
    continued_ = nullptr;
    section_ = {};
  }

  void end(const Line& line, Part part) {
    if (part_ != part)
      throw invalid_line(line.number, std::string(line.key) + " without a beginning" + place());
    if (part == Part::kDocument) {
      add_document();
    } else {
      add_section();
    }
    part_ = Part::kHeader;
  }

  struct Value {
    std::size_t line = 0;
    std::string_view text;
  };
  static std::size_t index(Key key) { return static_cast<std::size_t>(key); }
  [[nodiscard]] const Value& value(Key key) const { return section_[index(key)]; }
  std::string_view text(Key key) { return clean_text(value(key).text, texts_); }

  void read_document_line(const Line& line, Key key) {
    // A line without a key goes on with the value before it.
    if (line.key.empty() || (!line.has_value && key == Key::kUnknown)) {
      if (last_ == Key::kUnknown) return;
      Value& before = section_[index(last_)];
      if (continued_ == nullptr) continued_ = &texts_.add(std::string(before.text));
      if (!continued_->empty()) *continued_ += ' ';
      before.text = continued_->append(line.text);
      return;
    }
    continued_ = nullptr;
    last_ = key;
    if (key == Key::kUnknown) return;
    Value& known = section_[index(key)];
    if (known.text.empty()) {
      known = {line.number, line.value};
    } else {
      last_ = Key::kUnknown;  // the first one counts
    }
  }

  // The position of an own account among accounts_; kNone for an empty number.
  std::size_t find_account(std::string_view number) {
    if (number.empty()) return kNone;
    const auto [found, added] = positions_.emplace(number, accounts_.size());
    if (added) {
      accounts_.push_back({});
      accounts_.back().number = number;
      is_masked_ = is_masked_ || number.find_first_of("*Xx#") != std::string_view::npos;
    }
    return found->second;
  }

  void add_section() {
    std::size_t position = find_account(clean_account(value(Key::kAccount).text, texts_));
    if (position == kNone && accounts_.size() == 1) position = 0;
    if (position == kNone) {
      throw invalid_line(lines_.number(), "the section that begins on line " +
                                              std::to_string(part_begins_) + " has no РасчСчет");
    }
    Account& account = accounts_[position];
    const std::string_view currency = currency_of(account.number);
    const auto sum = [&](Key key, std::string_view name) -> std::optional<Amount> {
      const Value& given = value(key);
      if (given.text.empty()) return std::nullopt;
      return read_sum(name, given.text, currency, given.line);
    };
    const auto opening = sum(Key::kOpeningBalance, "НачальныйОстаток");
    const auto closing = sum(Key::kClosingBalance, "КонечныйОстаток");
    StatedTurnover stated{
        sum(Key::kTotalIn, "ВсегоПоступило"), sum(Key::kTotalOut, "ВсегоСписано"), {}};
    if (opening && closing) stated.change = subtract(*closing, *opening);
    const auto together = [&](std::optional<Amount>& all, const std::optional<Amount>& more) {
      if (!account.has_sections) {
        all = more;
      } else if (all && more) {
        all = add(*all, *more);
      } else {
        all.reset();
      }
    };
    together(account.stated.in, stated.in);
    together(account.stated.out, stated.out);
    together(account.stated.change, stated.change);
    account.has_sections = true;

    sections_interleaved_ = sections_interleaved_ || !statement_.documents.empty();
    has_one_section_account_ =
        last_section_ == kNone || (has_one_section_account_ && last_section_ == position);
    last_section_ = position;
  }

  // The account of the statement to which the next document belongs, where its place tells: behind
  // that account's section.
  [[nodiscard]] std::size_t context() const {
    return sections_interleaved_ || has_one_section_account_ ? last_section_ : kNone;
  }

  // The own account among a party's; kNone: it has none.
  std::size_t own_account(const std::array<std::string_view, 3>& numbers) const {
    for (const std::string_view number : numbers) {
      if (const auto found = positions_.find(number); found != positions_.end())
        return found->second;
    }
    for (const std::string_view number : numbers) {
      // Only a masked number has to be compared with each.
      if (!is_masked_ && number.find_first_of("*Xx#") == std::string_view::npos) continue;
      const auto compared = std::min(accounts_.size(), kMaskedAccountsMax);
      for (std::size_t i = 0; i < compared; ++i) {
        if (are_alike(number, accounts_[i].number)) return i;
      }
    }
    return kNone;
  }

  std::array<std::string_view, 3> account_numbers(Key account, Key bank_account, Key other) {
    return {clean_account(value(account).text, texts_),
            clean_account(value(bank_account).text, texts_),
            clean_account(value(other).text, texts_)};
  }

  Party party(Key whole, Key name, Key tax_id, const std::array<std::string_view, 3>& numbers) {
    constexpr std::size_t kAccountNumberMin = 15;
    const auto by_name = split_tax_id(text(name));
    const auto by_whole = split_tax_id(text(whole));
    Party party;
    party.name = by_name.name.empty() ? by_whole.name : by_name.name;
    party.tax_id = tax_id_of(text(tax_id));
    for (const std::string_view found : {by_whole.tax_id, by_name.tax_id}) {
      if (party.tax_id.empty()) party.tax_id = tax_id_of(found);
    }
    party.account = numbers[0].empty() ? numbers[1] : numbers[0];
    if (party.account.empty() && numbers[2].size() >= kAccountNumberMin) party.account = numbers[2];
    return party;
  }

  // The whole purpose: the one line, the numbered lines, or both where neither holds the other.
  std::string_view purpose() {
    const std::string_view whole = text(Key::kPurpose);
    std::string lines;
    for (int key = static_cast<int>(Key::kPurpose1); key <= static_cast<int>(Key::kPurpose6);
         ++key) {
      const std::string_view line = text(static_cast<Key>(key));
      if (!lines.empty() && !line.empty()) lines += ' ';
      lines += line;
    }
    if (lines.empty()) return whole;
    const std::string dense_lines = without_space(lines);
    const std::string dense_whole = without_space(whole);
    // Of a length that no purpose has, each is taken: a search might take for ever.
    const bool searched = whole.size() <= kPurposeBytesMax && lines.size() <= kPurposeBytesMax;
    if (searched && dense_whole.find(dense_lines) != std::string::npos) return whole;
    if (!searched || dense_lines.find(dense_whole) == std::string::npos)
      lines = std::string(whole) + ' ' + lines;
    return texts_.keep(std::move(lines));
  }

  void add_document() {
    const auto payer =
        account_numbers(Key::kPayerAccount, Key::kPayerBankAccount, Key::kPayerOtherAccount);
    const auto payee =
        account_numbers(Key::kPayeeAccount, Key::kPayeeBankAccount, Key::kPayeeOtherAccount);
    const auto date = [&](Key key, std::string_view name) {
      return read_date(name, value(key).text, value(key).line);
    };
    const auto debited_on = date(Key::kDebitedOn, "ДатаСписано");
    const auto credited_on = date(Key::kCreditedOn, "ДатаПоступило");

    BankDocument document;
    document.number = text(Key::kNumber);
    document.date = date(Key::kDate, "Дата");
    document.payer = party(Key::kPayer, Key::kPayerName, Key::kPayerTaxId, payer);
    document.payee = party(Key::kPayee, Key::kPayeeName, Key::kPayeeTaxId, payee);
    document.purpose = purpose();

    // By whose account the statement is of; of a transfer between two of them by the date that it
    // has, or else by its place.
    const std::size_t own_payer = own_account(payer);
    const std::size_t own_payee = own_account(payee);
    const bool one_date = debited_on.has_value() != credited_on.has_value();
    const auto by_date = credited_on ? Direction::kIn : Direction::kOut;
    bool is_transfer = false;
    if ((own_payer == kNone) != (own_payee == kNone)) {
      document.direction = own_payer == kNone ? Direction::kIn : Direction::kOut;
    } else if (one_date) {
      document.direction = by_date;
    } else if (own_payer != kNone && own_payer != own_payee) {
      is_transfer = context() != own_payer && context() != own_payee;
      document.direction = context() == own_payee ? Direction::kIn : Direction::kOut;
    }
    if (own_payer != kNone && document.direction == Direction::kUnknown)
      add_warning(document, "the account pays itself; the direction is not known", texts_);
    std::size_t own = document.direction == Direction::kIn ? own_payee : own_payer;
    if (own_payer == kNone && own_payee == kNone) {
      own = accounts_.size() == 1 ? 0 : context();
      const std::string_view sentence =
          one_date ? "neither account is the statement's; the date booked tells the direction"
                   : "neither account is the statement's; the direction is not known";
      if (!accounts_.empty() && !document.payee.account.empty()) {
        add_doubt(document, sentence, texts_);
      } else {
        add_warning(document, sentence, texts_);
      }
    }
    std::string_view account;
    if (own != kNone) {
      account = accounts_[own].number;
    } else if (document.direction != Direction::kUnknown) {
      account =
          document.direction == Direction::kIn ? document.payee.account : document.payer.account;
    }
    document.currency = currency_of(account);
    if (own != kNone || accounts_.empty()) document.own_account = account;

    const Value& sum = value(Key::kSum);
    if (sum.text.empty()) {
      throw invalid_line(lines_.number(), "the document that begins on line " +
                                              std::to_string(part_begins_) + " has no Сумма");
    }
    document.amount = read_sum("Сумма", sum.text, document.currency, sum.line);
    document.booked_on = document.direction == Direction::kIn    ? credited_on
                         : document.direction == Direction::kOut ? debited_on
                         : credited_on                           ? credited_on
                                                                 : debited_on;
    if (document.amount < 0) {
      document.amount = -document.amount;
      if (document.direction != Direction::kUnknown) {
        document.direction =
            document.direction == Direction::kIn ? Direction::kOut : Direction::kIn;
      }
      add_doubt(document, "the sum is negative: it goes the other way", texts_);
    }

    if (!document.booked_on && own != kNone) {
      const auto other = credited_on ? credited_on : debited_on;
      unbooked_.push_back({statement_.documents.size(), other ? other : document.date});
    } else if (is_transfer) {
      await_transfer(document, own_payee);
    }
    statement_.documents.push_back(document);
  }

  // The file may show each side of a transfer by itself. The second of two that are equal is the
  // payee's side.
  void await_transfer(BankDocument& document, std::size_t payee) {
    const auto [found, added] =
        transfers_.emplace(reference_of(document), Transfer{statement_.documents.size(), payee});
    if (added) return;
    transfers_.erase(found);
    document.direction = Direction::kIn;
    document.own_account = accounts_[payee].number;
  }

  // What is left is shown once for both accounts.
  void settle_transfers() {
    for (const auto& [reference, transfer] : transfers_) {
      Turnover& counted = accounts_[transfer.payee].counted;
      counted.in = add(counted.in, statement_.documents[transfer.document].amount);
    }
  }

  void compare_totals() {
    for (const BankDocument& document : statement_.documents) {
      const auto found = positions_.find(document.own_account);
      if (document.booked_on && found != positions_.end())
        accounts_[found->second].counted.count(document);
    }
    book_what_is_counted();
    std::vector<AccountWarning> warnings;
    for (const Account& account : accounts_) {
      std::string sentence = disagreement(account.number, currency_of(account.number),
                                          account.stated, account.counted);
      if (!sentence.empty()) warnings.push_back({account.number, std::move(sentence)});
    }
    warn_of_accounts(warnings, statement_);
  }

  // Documents without a date booked that an account's turnover is told with are booked, on
  // whichever date they have.
  void book_what_is_counted() {
    std::vector<Turnover> unbooked(accounts_.size());
    for (const Unbooked& one : unbooked_) {
      const BankDocument& document = statement_.documents[one.document];
      if (one.day) unbooked[positions_.at(document.own_account)].count(document);
    }
    const auto explains = [](const std::optional<Amount>& stated, Amount booked, Amount more) {
      return stated && more > 0 && *stated != booked && *stated == add(booked, more);
    };
    std::vector<std::array<bool, 2>> counted(accounts_.size());
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
      Account& account = accounts_[i];
      counted[i] = {explains(account.stated.in, account.counted.in, unbooked[i].in),
                    explains(account.stated.out, account.counted.out, unbooked[i].out)};
      if (counted[i][0]) account.counted.in = *account.stated.in;
      if (counted[i][1]) account.counted.out = *account.stated.out;
    }
    for (const Unbooked& one : unbooked_) {
      BankDocument& document = statement_.documents[one.document];
      const auto& of_account = counted[positions_.at(document.own_account)];
      if (!one.day || document.direction == Direction::kUnknown ||
          !of_account[document.direction == Direction::kIn ? 0 : 1])
        continue;
      document.booked_on = one.day;
      add_warning(document, "has no date booked, but the account's turnover counts it", texts_);
    }
  }

  // A hostile file may have as many masked accounts as documents.
  static constexpr std::size_t kMaskedAccountsMax = 100;
  static constexpr std::size_t kPurposeBytesMax = 10'000;

  Lines lines_;
  BankStatement& statement_;
  TextPool& texts_;

  Part part_ = Part::kHeader;
  std::size_t part_begins_ = 0;
  std::array<Value, static_cast<std::size_t>(Key::kCount)> section_{};
  Key last_ = Key::kUnknown;          // of the line before, in a document
  std::string* continued_ = nullptr;  // its value, when it goes on in further lines

  std::vector<Account> accounts_;
  std::unordered_map<std::string_view, std::size_t> positions_;
  bool is_masked_ = false;  // one of them is
  std::size_t last_section_ = kNone;
  bool has_one_section_account_ = false;
  bool sections_interleaved_ = false;  // with documents

  std::vector<Unbooked> unbooked_;
  std::unordered_map<std::string, Transfer> transfers_;
};

}  // namespace

bool is_exchange_1c(std::string_view text) {
  const auto line = Lines(text).next();
  if (!line) return false;
  const std::string name = fold(line->text);
  // Some write the first C in Cyrillic.
  return name == "1cclientbankexchange" || name == "1сclientbankexchange";
}

void read_exchange_1c(std::string_view text, BankStatement& statement) {
  Exchange1c(text, statement).read();
}

}  // namespace saldo
