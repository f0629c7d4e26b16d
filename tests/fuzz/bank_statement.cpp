// Any bytes as a bank's statement: documents that can be stored, or a refusal; and a file that ends
// where it should is refused without its last character.
//
// The first byte of an input chooses: the rest is the file; or a file of the one or the other
// format is put together of its keys or elements and of values, in any encoding.
#include <algorithm>
#include <set>

#include "input.h"
#include "rules/error.h"
#include "rules/limits.h"
#include "rules/text.h"
#include "statements/statement.h"

namespace saldo_fuzz {
namespace {

constexpr const char* kLines[] = {"СекцияРасчСчет",
                                  "КонецРасчСчет",
                                  "СекцияДокумент=",
                                  "КонецДокумента",
                                  "КонецФайла",
                                  "ВерсияФормата=",
                                  "Кодировка=",
                                  "РасчСчет=",
                                  "Номер=",
                                  "Дата=",
                                  "Сумма=",
                                  "ДатаСписано=",
                                  "ДатаПоступило=",
                                  "Плательщик=",
                                  "Плательщик1=",
                                  "Плательщик2=",
                                  "ПлательщикИНН=",
                                  "ПлательщикСчет=",
                                  "ПлательщикРасчСчет=",
                                  "Получатель=",
                                  "Получатель1=",
                                  "Получатель2=",
                                  "ПолучательИНН=",
                                  "ПолучательСчет=",
                                  "ПолучательРасчСчет=",
                                  "НазначениеПлатежа=",
                                  "НазначениеПлатежа1=",
                                  "НазначениеПлатежа6=",
                                  "НачальныйОстаток=",
                                  "КонечныйОстаток=",
                                  "ВсегоПоступило=",
                                  "ВсегоСписано=",
                                  "сумма =",
                                  "Слово",
                                  "два слова",
                                  "="};
constexpr const char* kValues[] = {"",
                                   "0",
                                   "5",
                                   "700",
                                   "700.50",
                                   "-700",
                                   "1 234,56",
                                   "10000000000000",
                                   "10000000000000.01",
                                   "40702810100000000001",
                                   "40702810200000000002",
                                   "40702810*********001",
                                   "40702.810.1.00000000001",
                                   "16.11.2026",
                                   "2026-11-16",
                                   "31.02.2026",
                                   "00.00.0000",
                                   "01.01.0001",
                                   "16.11.2026 10:00:00",
                                   "ИНН 7700000001 ООО",
                                   "7700000001, ООО",
                                   "ИНН 7700000001/0",
                                   "1.02",
                                   "2.00",
                                   "DOS",
                                   "a=b",
                                   "Оплата по счёту",
                                   "\xC2\xA0",
                                   "\t",
                                   "\xD0",
                                   "BOOK",
                                   "PDNG",
                                   "CRDT",
                                   "DBIT",
                                   "OPBD",
                                   "CLBD",
                                   "NOTPROVIDED",
                                   "true",
                                   "&amp;",
                                   "&#1055;",
                                   "&x;",
                                   "<![CDATA[x]]>",
                                   "<!-- -->",
                                   "DE89370400440532013000"};
constexpr const char* kElements[] = {"Document",
                                     "BkToCstmrStmt",
                                     "Stmt",
                                     "Acct",
                                     "Id",
                                     "IBAN",
                                     "Othr",
                                     "Ccy",
                                     "Ownr",
                                     "Nm",
                                     "Bal",
                                     "Tp",
                                     "CdOrPrtry",
                                     "Cd",
                                     "Amt",
                                     "Amt Ccy='EUR'",
                                     "Amt Ccy='JPY'",
                                     "CdtDbtInd",
                                     "Ntry",
                                     "RvslInd",
                                     "Sts",
                                     "BookgDt",
                                     "ValDt",
                                     "Dt",
                                     "DtTm",
                                     "AcctSvcrRef",
                                     "NtryDtls",
                                     "TxDtls",
                                     "Refs",
                                     "EndToEndId",
                                     "AmtDtls",
                                     "TxAmt",
                                     "RltdPties",
                                     "Dbtr",
                                     "Pty",
                                     "DbtrAcct",
                                     "Cdtr",
                                     "CdtrAcct",
                                     "OrgId",
                                     "SchmeNm",
                                     "Prtry",
                                     "RmtInf",
                                     "Ustrd",
                                     "Strd",
                                     "CdtrRefInf",
                                     "Ref",
                                     "AddtlRmtInf",
                                     "AddtlNtryInf",
                                     "TxsSummry",
                                     "TtlCdtNtries",
                                     "Sum",
                                     "FrToDt",
                                     "ToDtTm",
                                     "CreDtTm",
                                     "x:Document",
                                     "!DOCTYPE a",
                                     "?xml"};

std::string value_of(Bytes& bytes) {
  return bytes.ConsumeIntegralInRange(0, 4) == 0 ? bytes.ConsumeRandomLengthString(40)
                                                 : pick(bytes, kValues);
}

// An income that is whole, in three of four cases.
std::string document_of(Bytes& bytes) {
  std::string text = "СекцияДокумент=Платежное поручение\n";
  if (bytes.ConsumeIntegralInRange(0, 3) > 0) {
    text += "Сумма=700\nДатаПоступило=16.11.2026\nПолучательСчет=40702810100000000001\n";
  }
  for (int left = bytes.ConsumeIntegralInRange(0, 12); left > 0; --left)
    text += pick(bytes, kLines) + value_of(bytes) + "\n";
  return text + "КонецДокумента\n";
}

std::string exchange_of(Bytes& bytes) {
  std::string text = "1CClientBankExchange\nРасчСчет=40702810100000000001\n";
  for (int left = bytes.ConsumeIntegralInRange(0, 12); left > 0; --left) {
    switch (bytes.ConsumeIntegralInRange(0, 3)) {
      case 0:
        text += pick(bytes, kLines) + value_of(bytes) + "\n";
        break;
      case 1:
        text += "СекцияРасчСчет\nРасчСчет=40702810100000000001\nВсегоПоступило=" + value_of(bytes) +
                "\nВсегоСписано=" + value_of(bytes) + "\nКонецРасчСчет\n";
        break;
      default:
        text += document_of(bytes);
    }
  }
  return text + "КонецФайла";
}

void append_elements(Bytes& bytes, std::string& text, int depth) {
  for (int left = bytes.ConsumeIntegralInRange(0, 6); left > 0 && bytes.remaining_bytes() > 0;
       --left) {
    const std::string element = pick(bytes, kElements);
    text += "<" + element + ">";
    if (depth < 8 && bytes.ConsumeBool()) {
      append_elements(bytes, text, depth + 1);
    } else {
      text += value_of(bytes);
    }
    text += "</" + element.substr(0, element.find(' ')) + ">\n";
  }
}

std::string camt_of(Bytes& bytes) {
  std::string text = "<Document><BkToCstmrStmt><Stmt><Acct><Id><IBAN>DE1</IBAN></Id></Acct>\n";
  append_elements(bytes, text, 0);
  for (int left = bytes.ConsumeIntegralInRange(0, 4); left > 0; --left) {
    text += "<Ntry><Amt Ccy='EUR'>" + value_of(bytes) + "</Amt><CdtDbtInd>" +
            (bytes.ConsumeBool() ? "CRDT" : "DBIT") + "</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>" +
            value_of(bytes) + "</Dt></BookgDt>";
    append_elements(bytes, text, 1);
    for (int more = bytes.ConsumeIntegralInRange(0, 3); more > 0; --more) {
      text += "<NtryDtls><TxDtls><Amt Ccy='EUR'>" + value_of(bytes) + "</Amt>";
      append_elements(bytes, text, 3);
      text += "</TxDtls></NtryDtls>";
    }
    text += "</Ntry>\n";
  }
  return text + "</Stmt></BkToCstmrStmt></Document>";
}

std::string content_of(Bytes& bytes) {
  switch (bytes.ConsumeIntegralInRange(0, 2)) {
    case 0:
      return exchange_of(bytes);
    case 1:
      return camt_of(bytes);
    default:
      return bytes.ConsumeRemainingBytesAsString();
  }
}

void check_text(std::string_view text) {
  if (!saldo::is_utf8(text)) found("a text that is not UTF-8, or holds NUL");
  if (std::any_of(text.begin(), text.end(), saldo::is_control)) found("a control character");
}

void check(const saldo::BankStatement& statement) {
  std::set<std::string> references;
  for (const auto& document : statement.documents) {
    if (document.amount < 0 || document.amount > saldo::kAmountMax) found("an amount out of range");
    for (const std::string_view text :
         {document.number, document.currency, document.own_account, document.payer.name,
          document.payer.tax_id, document.payer.account, document.payee.name, document.payee.tax_id,
          document.payee.account, document.purpose, document.warning})
      check_text(text);
    if (!references.insert(document.reference).second) found("a reference twice");
  }
}

// Whether the content is a statement.
bool read(const std::string& content) {
  try {
    const auto statement = saldo::read_bank_statement(content);
    check(statement);
    tell(std::to_string(std::min<std::size_t>(statement.documents.size(), 5)) + " documents" +
         (statement.documents.empty() || statement.documents[0].warning.empty() ? "" : ", warned"));
    return true;
  } catch (const saldo::Error& error) {
    tell(error.what());
    return false;
  }
}

}  // namespace
}  // namespace saldo_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saldo_fuzz;
  Bytes bytes(data, size);
  std::string content = content_of(bytes);
  if (!read(content)) return 0;
  if (content.ends_with('>') || content.ends_with("КонецФайла")) {
    content.pop_back();
    if (read(content)) found("a file that was cut off is read");
  }
  return 0;
}
