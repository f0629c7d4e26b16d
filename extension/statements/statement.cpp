#include "statements/statement.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>

#include "hash.h"
#include "rules/text.h"
#include "statements/encoding.h"
#include "statements/fields.h"
#include "statements/formats.h"

namespace saldo {
namespace {

// Files of DOS end with the character 0x1A, some programs fill up with NUL.
std::string_view without_padding(std::string_view content) {
  while (!content.empty() && (content.back() == '\0' || content.back() == '\x1A'))
    content.remove_suffix(1);
  return content;
}

// The value of `encoding` in an XML declaration.
std::string_view declared_encoding(std::string_view xml) {
  constexpr std::string_view kName = "encoding";
  const std::string_view declaration = xml.substr(0, std::min(xml.find("?>"), xml.size()));
  if (!declaration.starts_with("<?xml")) return {};
  std::size_t begin = declaration.find(kName);
  if (begin == std::string_view::npos) return {};
  begin = declaration.find_first_of("'\"", begin + kName.size());
  if (begin == std::string_view::npos) return {};
  const std::size_t end = declaration.find(declaration[begin], begin + 1);
  return end == std::string_view::npos ? std::string_view{}
                                       : declaration.substr(begin + 1, end - begin - 1);
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

// Of a text that is not UTF-8. What a 1C file says of its encoding is not to be trusted; its own
// words are: in another encoding nobody could read them.
Encoding guess_encoding(std::string_view text) {
  if (is_xml(text)) {
    const std::string_view name = declared_encoding(text);
    const auto encoding = name.empty() ? Encoding::kUtf8 : find_encoding(name);
    if (encoding) return *encoding;
    throw invalid_line(1, "the encoding " + quoted(to_utf8(name, Encoding::kUtf8)) +
                              " is not read; UTF-8, windows-1251, cp866 and ISO-8859-1 are");
  }
  constexpr std::size_t kHeaderBytes = 4096;
  const std::initializer_list<std::string_view> words = {"Кодировка", "РасчСчет", "СекцияДокумент"};
  const std::string_view header = text.substr(0, kHeaderBytes);
  if (has_any(header, words)) return Encoding::kUtf8;
  return has_any(to_utf8(header, Encoding::kCp866), words) ? Encoding::kCp866
                                                           : Encoding::kWindows1251;
}

constexpr std::string_view kOrderMark = "\xEF\xBB\xBF";

void number_references(std::vector<BankDocument>& documents) {
  std::vector<int> numbers;
  numbers.reserve(documents.size());
  {
    std::unordered_map<std::string_view, int> times;
    times.reserve(documents.size());
    for (const BankDocument& document : documents) numbers.push_back(++times[document.reference]);
  }
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (numbers[i] > 1) documents[i].reference += "#" + std::to_string(numbers[i]);
  }
}

}  // namespace

std::string reference_of(const BankDocument& document) {
  std::string bytes(document.own_account);
  bytes += '\n';
  if (document.booked_on) bytes += format_day(*document.booked_on);
  bytes += '\n';
  bytes += document.number;
  bytes += '\n';
  bytes += std::to_string(document.amount);
  bytes += '\n';
  bytes += document.payer.account;
  bytes += '\n';
  bytes += without_space(document.purpose);
  return sha256_hex(bytes);
}

BankStatement read_bank_statement(std::string_view content) {
  BankStatement statement;
  std::string_view text = content;
  if (auto utf8 = utf16_to_utf8(content)) text = statement.texts.keep(std::move(*utf8));
  text = without_padding(text);
  if (text.starts_with(kOrderMark)) text.remove_prefix(kOrderMark.size());
  if (trim(text).empty()) throw invalid("the statement is empty");
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    throw invalid_line(line_of(text, nul), "holds a NUL character; a statement is a text");
  if (!is_utf8(text)) text = statement.texts.keep(to_utf8(text, guess_encoding(text)));

  if (is_exchange_1c(text)) {
    read_exchange_1c(text, statement);
  } else if (is_xml(text)) {
    read_camt053(statement.texts.add(std::string(text)), statement);
  } else {
    throw invalid_line(1, "this is neither a 1CClientBankExchange file nor a camt.053 document");
  }

  for (BankDocument& document : statement.documents) {
    document.reference = reference_of(document);
    const Party& payer = document.payer;
    const Party& payee = document.payee;
    if (has_any(document.purpose, {kReplacement}) || has_any(payer.name, {kReplacement}) ||
        has_any(payee.name, {kReplacement}))
      add_warning(document, "some characters could not be read", statement.texts);
  }
  number_references(statement.documents);
  return statement;
}

}  // namespace saldo
