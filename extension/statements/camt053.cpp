// camt.053 of ISO 20022, BankToCustomerStatement: versions 001.02 (SEPA's), 001.04, 001.08 and
// those between and after them, which differ in no element that is read here but these:
//   - a party is Dbtr/Nm, from 001.08 on Dbtr/Pty/Nm; a status is Sts, later Sts/Cd.
//   - a transaction's amount is AmtDtls/TxAmt/Amt, from 001.04 on Amt.
//
// A document of the statement is a transaction (TxDtls) of an entry (Ntry), or an entry that names
// none. An entry is booked if its status is BOOK; days are those of the text, in the bank's time.
// Names of elements are compared without prefixes.
#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <new>
#include <pugixml.hpp>
#include <utility>
#include <vector>

#include "statements/fields.h"
#include "statements/formats.h"

namespace saldo {
namespace {

std::string_view local_name(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child(pugi::xml_node parent, std::string_view name) {
  for (const pugi::xml_node node : parent.children()) {
    if (local_name(node.name()) == name) return node;
  }
  return {};
}

// 'A/B/C': the first C of the first B of the first A.
pugi::xml_node descend(pugi::xml_node node, std::string_view path) {
  while (node && !path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    node = child(node, path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return node;
}

// '#1055' or '#x41F', as it stands between & and ;.
bool is_character_reference(std::string_view name) {
  if (!name.starts_with('#')) return false;
  const bool hexadecimal = name.starts_with("#x");
  name.remove_prefix(hexadecimal ? 2 : 1);
  unsigned character = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), character, hexadecimal ? 16 : 10);
  return error == std::errc() && end == name.data() + name.size() && character != 0 &&
         character <= 0x10FFFF && (character < 0xD800 || character > 0xDFFF);
}

// Refuses document types, in which entities are defined that grow or read files, and references to
// such entities.
void check_markup(std::string_view text) {
  const auto error = [&](std::size_t at, std::string_view problem) {
    return invalid_line(line_of(text, at), problem);
  };
  const auto skip = [&](std::size_t at, std::string_view end) {
    const std::size_t found = text.find(end, at);
    if (found == std::string_view::npos)
      throw error(at, "what begins here has no " + std::string(end) + ": the file was cut off");
    return found + end.size();
  };
  for (std::size_t at = text.find_first_of("<&"); at != std::string_view::npos;
       at = text.find_first_of("<&", at)) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("<!--")) {
      at = skip(at + 4, "-->");
    } else if (rest.starts_with("<![CDATA[")) {
      at = skip(at, "]]>");
    } else if (rest.starts_with("<?")) {
      at = skip(at, "?>");
    } else if (rest.starts_with("<!")) {
      throw error(at, "a document type is not allowed in a statement");
    } else if (rest[0] == '<') {
      ++at;
    } else {
      constexpr std::array<std::string_view, 5> kNames = {"amp", "lt", "gt", "quot", "apos"};
      constexpr std::size_t kReferenceBytesMax = 12;
      const std::size_t end = rest.substr(0, kReferenceBytesMax).find(';');
      const std::string_view name =
          end == std::string_view::npos ? std::string_view{} : rest.substr(1, end - 1);
      if (std::find(kNames.begin(), kNames.end(), name) == kNames.end() &&
          !is_character_reference(name)) {
        throw error(at,
                    "an & is not allowed here but as &amp;, &lt;, &gt;, &quot;, &apos; or "
                    "the number of a character");
      }
      at += end + 1;
    }
  }
}

// The lines of a text that is about to be changed.
class LineNumbers {
 public:
  explicit LineNumbers(std::string_view text) {
    for (std::size_t at = text.find('\n'); at != std::string_view::npos;
         at = text.find('\n', at + 1))
      ends_.push_back(at);
  }
  [[nodiscard]] std::size_t at(std::ptrdiff_t offset) const {
    const auto end = std::lower_bound(ends_.begin(), ends_.end(), static_cast<std::size_t>(offset));
    return 1 + static_cast<std::size_t>(end - ends_.begin());
  }
  [[nodiscard]] std::size_t of(pugi::xml_node node) const { return at(node.offset_debug()); }

 private:
  std::vector<std::size_t> ends_;
};

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

class Camt053 {
 public:
  Camt053(std::string& text, BankStatement& statement)
      : lines_(text), statement_(statement), texts_(statement.texts) {
    constexpr unsigned kOptions = (pugi::parse_default | pugi::parse_embed_pcdata |
                                   pugi::parse_fragment | pugi::parse_doctype);
    const auto result =
        xml_.load_buffer_inplace(text.data(), text.size(), kOptions, pugi::encoding_utf8);
    if (result.status == pugi::status_out_of_memory) throw std::bad_alloc();
    if (!result) {
      throw invalid_line(lines_.at(result.offset),
                         std::string("no whole XML, or cut off: ") + result.description());
    }
  }

  void read() {
    bool found = false;
    for (pugi::xml_node node = root(); node; node = next(node, found)) {
      found = local_name(node.name()) == "Document";
      if (found) read_document(node);
    }
    if (!has_documents_) {
      throw invalid_line(lines_.of(root()), "the XML is no camt.053: it has no element Document");
    }
    warn_of_accounts(warnings_, statement_);
  }

 private:
  // What an entry says for all of its transactions.
  struct Entry {
    pugi::xml_node node;
    std::size_t line = 0;
    Amount amount = 0;
    std::string_view currency;
    Direction direction = Direction::kUnknown;
    std::optional<Day> date;
    std::optional<Day> booked_on;
    bool reversal = false;
  };

  struct Account {
    std::string_view number;
    std::string_view currency;
    std::string_view owner;
    std::string_view owner_tax_id;
    std::optional<Day> statement_day;  // of an entry that tells none
    Turnover counted;
    std::string_view counted_currency;
    bool one_currency = true;
    bool all_booked = true;
  };

  [[nodiscard]] pugi::xml_node root() const {
    pugi::xml_node root;
    for (const pugi::xml_node node : xml_.children()) {
      if (node.type() == pugi::node_element && !root) {
        root = node;
      } else if (node.type() == pugi::node_element || node.type() == pugi::node_doctype ||
                 !trim(node.value()).empty()) {
        throw invalid_line(lines_.of(node), "a document of XML is one element");
      }
    }
    if (!root) throw invalid_line(1, "the XML has no element: the file was cut off");
    return root;
  }

  // The element after `node` in the document, or after all that is in it.
  static pugi::xml_node next(pugi::xml_node node, bool skip) {
    if (!skip && node.first_child()) return node.first_child();
    while (node && !node.next_sibling()) node = node.parent();
    return node.next_sibling();
  }

  // As it stands; with comments or CDATA in it, it is in pieces.
  std::string_view raw_text(pugi::xml_node node) {
    std::string_view text = node.value();
    std::string* pieces = nullptr;
    for (const pugi::xml_node piece : node.children()) {
      if (piece.type() != pugi::node_pcdata && piece.type() != pugi::node_cdata) continue;
      if (text.empty()) {
        text = piece.value();
        continue;
      }
      if (pieces == nullptr) pieces = &texts_.add(std::string(text));
      text = pieces->append(piece.value());
    }
    return text;
  }
  std::string_view text(pugi::xml_node node) { return clean_text(raw_text(node), texts_); }
  std::string_view text(pugi::xml_node node, std::string_view path) {
    return text(descend(node, path));
  }
  std::string_view first_text(pugi::xml_node node, std::initializer_list<std::string_view> paths) {
    for (const std::string_view path : paths) {
      if (const std::string_view found = text(node, path); !found.empty()) return found;
    }
    return {};
  }

  std::optional<Day> day(pugi::xml_node node, std::string_view field) {
    const pugi::xml_node holder = descend(node, field);
    const std::string_view given = first_text(holder, {"Dt", "DtTm"});
    return read_date(field, given.empty() ? text(holder) : given,
                     holder ? lines_.of(holder) : lines_.of(node));
  }

  std::string_view currency_of_amount(pugi::xml_node amount, std::string_view otherwise) {
    const pugi::xml_attribute given = amount.attribute("Ccy");
    return given ? currency(given.value(), amount) : otherwise;
  }
  // The rouble has kept its code of before 1998 in places.
  std::string_view currency(std::string_view given, pugi::xml_node node) {
    constexpr std::size_t kLetters = 3;
    const std::string_view code = trim(given);
    if (code.empty()) return {};
    if (code.size() != kLetters ||
        !std::all_of(code.begin(), code.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
      throw invalid_line(lines_.of(node), quoted(given) + " is no currency such as EUR");
    return code == "RUR" ? "RUB" : code;
  }

  // CRDT or DBIT.
  Direction direction_of(pugi::xml_node node, std::size_t line) {
    const std::string_view given = text(node, "CdtDbtInd");
    if (given == "CRDT") return Direction::kIn;
    if (given == "DBIT") return Direction::kOut;
    throw invalid_line(line, std::string(node.name()) + " needs CdtDbtInd, CRDT or DBIT");
  }

  void read_document(pugi::xml_node document) {
    const std::size_t line = lines_.of(document);
    const std::string_view space = name_space(document);
    const pugi::xml_node message = child(document, "BkToCstmrStmt");
    if (!message || (!space.empty() && space.find("camt.053.001.") == std::string_view::npos)) {
      throw invalid_line(
          line, "this Document is " + quoted(space) + "; camt.053.001.02, .04 and .08 are read");
    }
    bool has_statement = false;
    for (const pugi::xml_node node : message.children()) {
      if (local_name(node.name()) != "Stmt") continue;
      has_statement = true;
      read_statement(node);
    }
    if (!has_statement) throw invalid_line(lines_.of(message), "BkToCstmrStmt has no Stmt");
    has_documents_ = true;
  }

  static std::string_view name_space(pugi::xml_node node) {
    const std::string_view name = node.name();
    const std::size_t colon = name.find(':');
    const std::string attribute =
        colon == std::string_view::npos ? "xmlns" : "xmlns:" + std::string(name.substr(0, colon));
    for (; node; node = node.parent()) {
      if (const auto found = node.attribute(attribute.c_str())) return found.value();
    }
    return {};
  }

  void read_statement(pugi::xml_node node) {
    Account account;
    const pugi::xml_node described = child(node, "Acct");
    account.number = account_number(child(described, "Id"));
    if (const pugi::xml_node given = child(described, "Ccy"))
      account.currency = currency(text(given), given);
    account.owner = first_text(described, {"Ownr/Nm", "Ownr/Pty/Nm", "Nm"});
    account.owner_tax_id = tax_id(child(described, "Ownr"));
    account.statement_day = day(node, "FrToDt/ToDtTm");
    if (!account.statement_day) account.statement_day = day(node, "CreDtTm");
    for (const pugi::xml_node entry : node.children()) {
      if (local_name(entry.name()) == "Ntry") read_entry(entry, account);
    }
    compare_totals(node, account);
  }

  std::string_view account_number(pugi::xml_node id) {
    return clean_account(first_text(id, {"IBAN", "Othr/Id"}), texts_);
  }

  void read_entry(pugi::xml_node node, Account& account) {
    Entry entry;
    entry.node = node;
    entry.line = lines_.of(node);
    const pugi::xml_node amount = child(node, "Amt");
    if (!amount) throw invalid_line(entry.line, "the entry has no Amt");
    entry.currency = currency_of_amount(amount, account.currency);
    if (entry.currency.empty())
      throw invalid_line(lines_.of(amount), "Amt has no Ccy, and neither has the account");
    entry.amount = read_sum("Amt", text(amount), entry.currency, lines_.of(amount));
    if (entry.amount < 0) throw invalid_line(lines_.of(amount), "Amt is negative");
    entry.direction = direction_of(node, entry.line);
    const std::string_view reversal = text(node, "RvslInd");
    entry.reversal = reversal == "true" || reversal == "1";
    const auto value_day = day(node, "ValDt");
    const auto booking_day = day(node, "BookgDt");
    entry.date = value_day ? value_day : booking_day;
    const std::string_view status = first_text(node, {"Sts/Cd", "Sts"});
    const bool booked = status == "BOOK" || (status.empty() && booking_day);
    if (booked) {
      entry.booked_on = booking_day ? booking_day : value_day ? value_day : account.statement_day;
      if (!entry.booked_on) throw invalid_line(entry.line, "the entry is booked, on no day");
    }

    std::vector<pugi::xml_node> transactions;
    for (const pugi::xml_node details : node.children()) {
      if (local_name(details.name()) != "NtryDtls") continue;
      for (const pugi::xml_node transaction : details.children()) {
        if (local_name(transaction.name()) == "TxDtls") transactions.push_back(transaction);
      }
    }
    add_documents(entry, transactions, account);

    account.all_booked = account.all_booked && booked;
    if (!booked) return;
    account.one_currency = account.one_currency && (account.counted_currency.empty() ||
                                                    account.counted_currency == entry.currency);
    account.counted_currency = entry.currency;
    BankDocument whole;
    whole.direction = entry.direction;
    whole.amount = entry.amount;
    account.counted.count(whole);
  }

  void add_documents(const Entry& entry, const std::vector<pugi::xml_node>& transactions,
                     const Account& account) {
    if (transactions.size() <= 1) {
      add_document(entry, transactions.empty() ? pugi::xml_node{} : transactions[0], account);
      return;
    }
    // Each has its amount, and they sum to the entry's; or else the entry is not split.
    std::vector<Entry> parts;
    Amount sum = 0;
    for (const pugi::xml_node transaction : transactions) {
      const auto amount = transaction_amount(transaction, entry.currency);
      if (!amount) break;
      Entry part = entry;
      part.line = lines_.of(transaction);
      part.amount = *amount;
      if (child(transaction, "CdtDbtInd")) part.direction = direction_of(transaction, part.line);
      sum = part.direction == entry.direction ? add(sum, *amount) : subtract(sum, *amount);
      parts.push_back(part);
    }
    if (parts.size() == transactions.size() && sum == entry.amount) {
      for (std::size_t i = 0; i < parts.size(); ++i)
        add_document(parts[i], transactions[i], account);
      return;
    }
    BankDocument& whole = add_document(entry, {}, account);
    const std::string count = std::to_string(transactions.size());
    add_warning(whole,
                parts.size() < transactions.size()
                    ? "one entry for " + count + " transactions that do not all tell their amounts"
                    : "one entry for " + count + " transactions whose amounts do not sum to it",
                texts_);
  }

  std::optional<Amount> transaction_amount(pugi::xml_node transaction, std::string_view currency) {
    for (const std::string_view path :
         {"Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt", "AmtDtls/InstdAmt/Amt"}) {
      const pugi::xml_node node = descend(transaction, path);
      if (!node || currency_of_amount(node, currency) != currency) continue;
      const Amount amount = read_sum("Amt", text(node), currency, lines_.of(node));
      if (amount < 0) throw invalid_line(lines_.of(node), "Amt is negative");
      return amount;
    }
    return std::nullopt;
  }

  BankDocument& add_document(const Entry& entry, pugi::xml_node transaction,
                             const Account& account) {
    BankDocument document;
    document.number = number(entry, transaction);
    document.date = entry.date;
    document.booked_on = entry.booked_on;
    document.direction = entry.direction;
    document.amount = entry.amount;
    document.currency = entry.currency;
    document.own_account = account.number;
    const pugi::xml_node parties = child(transaction, "RltdPties");
    document.payer = party(parties, "Dbtr", "DbtrAcct", "UltmtDbtr");
    document.payee = party(parties, "Cdtr", "CdtrAcct", "UltmtCdtr");
    for (Party* party : {&document.payer, &document.payee}) {
      const bool payer = party == &document.payer;
      if (!party->tax_id.empty()) continue;
      party->tax_id =
          payer ? first_text(transaction, {"Tax/Dbtr/TaxId", "RmtInf/Strd/TaxRmt/Dbtr/TaxId"})
                : first_text(transaction, {"Tax/Cdtr/TaxId", "RmtInf/Strd/TaxRmt/Cdtr/TaxId"});
    }
    const bool in = document.direction == Direction::kIn;
    // What is reversed went the other way.
    if (const Party& from = in ? document.payer : document.payee;
        entry.reversal && !account.number.empty() && from.account == account.number)
      std::swap(document.payer, document.payee);
    Party& own = in ? document.payee : document.payer;
    if (own.name.empty()) own.name = account.owner;
    if (own.tax_id.empty()) own.tax_id = account.owner_tax_id;
    if (own.account.empty()) own.account = account.number;
    document.purpose = purpose(entry, transaction);
    if (entry.reversal) add_doubt(document, "reverses an earlier entry", texts_);
    statement_.documents.push_back(document);
    return statement_.documents.back();
  }

  // What the payer called it, or else the banks. NtryRef is of one file only, and would make the
  // same document another one in the next.
  std::string_view number(const Entry& entry, pugi::xml_node transaction) {
    const pugi::xml_node references = child(transaction, "Refs");
    for (const std::string_view name : {"EndToEndId", "InstrId", "TxId", "ChqNb", "AcctSvcrRef"}) {
      const std::string_view found = text(references, name);
      if (!found.empty() && found != "NOTPROVIDED" && found != "NONREF") return found;
    }
    return text(entry.node, "AcctSvcrRef");
  }

  Party party(pugi::xml_node parties, std::string_view role, std::string_view account,
              std::string_view ultimate) {
    const pugi::xml_node node = child(parties, role);
    const pugi::xml_node behind = child(parties, ultimate);
    Party party;
    party.name = first_text(node, {"Nm", "Pty/Nm", "Agt/FinInstnId/Nm"});
    if (party.name.empty()) party.name = first_text(behind, {"Nm", "Pty/Nm"});
    party.tax_id = tax_id(node);
    if (party.tax_id.empty()) party.tax_id = tax_id(behind);
    party.account = account_number(descend(parties, std::string(account) + "/Id"));
    return party;
  }

  // An identification of the scheme TXID, or of a scheme of the bank's own that is called after the
  // tax; else one of no scheme. Others are numbers of customers, passports and the like.
  std::string_view tax_id(pugi::xml_node party) {
    if (!party) return {};
    if (const pugi::xml_node inner = child(party, "Pty")) party = inner;
    std::string_view without_scheme;
    for (const std::string_view kind : {"Id/OrgId", "Id/PrvtId"}) {
      for (const pugi::xml_node other : descend(party, kind).children()) {
        if (local_name(other.name()) != "Othr") continue;
        const std::string_view id = text(other, "Id");
        const std::string_view scheme = first_text(other, {"SchmeNm/Cd", "SchmeNm/Prtry"});
        if (scheme.empty()) {
          if (without_scheme.empty()) without_scheme = id;
          continue;
        }
        for (const std::string_view name : {"TXID", "TAX", "INN", "ИНН", "VAT", "NIP", "NIF"}) {
          if (scheme.starts_with(name)) return id;
        }
      }
    }
    return without_scheme;
  }

  std::string_view purpose(const Entry& entry, pugi::xml_node transaction) {
    // Long texts come in pieces of this length, cut within words too.
    constexpr std::size_t kPieceCharacters = 140;
    constexpr std::size_t kPurposeBytesMax = 10'000;
    std::string joined;
    bool goes_on = false;
    const pugi::xml_node remittance = child(transaction, "RmtInf");
    for (const pugi::xml_node node : remittance.children()) {
      if (local_name(node.name()) != "Ustrd") continue;
      const std::string_view raw = raw_text(node);
      const std::string_view clean = clean_text(raw, texts_);
      if (clean.empty()) continue;
      if (!joined.empty() && (!goes_on || raw.front() == ' ')) joined += ' ';
      joined += clean;
      goes_on = count_characters(raw) == kPieceCharacters && raw.back() != ' ';
    }
    for (const pugi::xml_node node : remittance.children()) {
      if (local_name(node.name()) != "Strd") continue;
      for (const std::string_view path : {"RfrdDocInf/Nb", "CdtrRefInf/Ref", "AddtlRmtInf"}) {
        const std::string_view more = text(node, path);
        // In a text longer than any purpose they are not searched for: that might take for ever.
        if (more.empty() ||
            (joined.size() <= kPurposeBytesMax && joined.find(more) != std::string::npos))
          continue;
        if (!joined.empty()) joined += ' ';
        joined += more;
      }
    }
    if (!joined.empty()) return texts_.keep(std::move(joined));
    const std::string_view added = first_text(transaction, {"AddtlTxInf", "RtrInf/AddtlInf"});
    return added.empty() ? text(entry.node, "AddtlNtryInf") : added;
  }

  void compare_totals(pugi::xml_node node, const Account& account) {
    if (!account.one_currency) return;
    const std::string_view currency =
        account.counted_currency.empty() ? account.currency : account.counted_currency;
    StatedTurnover stated;
    const auto opening = balance(node, {"OPBD", "PRCD"}, currency);
    const auto closing = balance(node, {"CLBD"}, currency);
    if (opening && closing) stated.change = subtract(*closing, *opening);
    if (account.all_booked) {
      stated.in = summary(node, "TxsSummry/TtlCdtNtries/Sum", currency);
      stated.out = summary(node, "TxsSummry/TtlDbtNtries/Sum", currency);
    }
    std::string sentence = disagreement(account.number, currency, stated, account.counted);
    if (!sentence.empty()) warnings_.push_back({account.number, std::move(sentence)});
  }

  std::optional<Amount> summary(pugi::xml_node node, std::string_view path,
                                std::string_view currency) {
    const pugi::xml_node sum = descend(node, path);
    if (!sum) return std::nullopt;
    return read_sum("Sum", text(sum), currency, lines_.of(sum));
  }

  // The one balance of the first of these kinds that there is; nullopt also where there are several
  // (of pages), or it is of another currency.
  std::optional<Amount> balance(pugi::xml_node node, std::initializer_list<std::string_view> kinds,
                                std::string_view currency) {
    for (const std::string_view kind : kinds) {
      std::optional<Amount> found;
      for (const pugi::xml_node balance : node.children()) {
        if (local_name(balance.name()) != "Bal" || text(balance, "Tp/CdOrPrtry/Cd") != kind)
          continue;
        const pugi::xml_node amount = child(balance, "Amt");
        if (found || currency_of_amount(amount, currency) != currency) return std::nullopt;
        found = read_sum("Amt", text(amount), currency, lines_.of(balance));
        if (direction_of(balance, lines_.of(balance)) == Direction::kOut) found = -*found;
      }
      if (found) return found;
    }
    return std::nullopt;
  }

  LineNumbers lines_;
  pugi::xml_document xml_;
  BankStatement& statement_;
  TextPool& texts_;
  bool has_documents_ = false;
  std::vector<AccountWarning> warnings_;
};

}  // namespace

bool is_xml(std::string_view text) { return trim(text).starts_with('<'); }

void read_camt053(std::string& text, BankStatement& statement) {
  check_markup(text);
  Camt053(text, statement).read();
}

}  // namespace saldo
