// Statements of banks: reading one of many documents, its time and its memory.
//
//   bank_statement EXTENSION [DOCUMENTS [RUNS]]
//
// Makes a statement of DOCUMENTS (100,000) in windows-1251 and one as camt.053, and reads each RUNS
// times (5) with bank_statement(), all columns of all rows, in turns with what reading it takes at
// the least: of the one, iconv and getline, of the other, the tree of pugixml. Checks that the
// rows are those that were written, and that their references differ. Prints seconds of the
// processor (all of it runs on one), the ratio, and the peak of memory beside the file itself.
#include <iconv.h>

#include <ctime>
#include <memory>
#include <pugixml.hpp>
#include <sstream>

#include "measure.h"

using namespace saldo_bench;

namespace {

constexpr const char* kOwn = "40702810100000000001";

std::string convert(const std::string& text, const char* to, const char* from) {
  iconv_t state = iconv_open(to, from);
  std::string result(text.size() * 2, '\0');
  auto* in = const_cast<char*>(text.data());
  char* out = result.data();
  std::size_t in_left = text.size();
  std::size_t out_left = result.size();
  if (iconv(state, &in, &in_left, &out, &out_left) == static_cast<std::size_t>(-1))
    fail("iconv cannot convert the statement");
  iconv_close(state);
  result.resize(result.size() - out_left);
  return result;
}

// As long as the documents of banks commonly are.
std::string exchange(int documents) {
  std::string text =
      "1CClientBankExchange\r\nВерсияФормата=1.03\r\nКодировка=Windows\r\nРасчСчет=" +
      std::string(kOwn) + "\r\n";
  for (int i = 0; i < documents; ++i) {
    const std::string number = std::to_string(i);
    const std::string payer = std::to_string(40'702'810'900'000'000 + i % 5000) + "123";
    text += "СекцияДокумент=Платежное поручение\r\nНомер=" + number +
            "\r\nДата=16.11.2026\r\nСумма=" + std::to_string(100 + i % 9000) +
            ".50\r\nПлательщикСчет=" + payer +
            "\r\nДатаСписано=16.11.2026\r\nПлательщик=ИНН 7700000001 ООО \"Ромашка\"\r\n"
            "ПлательщикИНН=7700000001\r\nПлательщикКПП=770001001\r\nПлательщикРасчСчет=" +
            payer +
            "\r\nПлательщикБанк1=БАНК \"ПЕРВЫЙ\" (АО)\r\nПлательщикБИК=044525000\r\n"
            "ПолучательСчет=" +
            kOwn +
            "\r\nДатаПоступило=16.11.2026\r\nПолучатель1=ООО \"Сальдо\"\r\n"
            "ПолучательИНН=7700000002\r\nВидОплаты=01\r\nОчередность=5\r\n"
            "НазначениеПлатежа=Оплата по счёту № " +
            number + " от 10.11.2026 за услуги связи. НДС не облагается\r\nКонецДокумента\r\n";
  }
  return convert(text + "КонецФайла\r\n", "CP1251", "UTF-8");
}

std::string camt(int documents) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document "
      "xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><BkToCstmrStmt><Stmt>\n<Acct><Id>"
      "<IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>\n";
  for (int i = 0; i < documents; ++i) {
    const std::string number = std::to_string(i);
    text += "<Ntry><Amt Ccy=\"EUR\">" + std::to_string(100 + i % 9000) +
            ".50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-16</Dt>"
            "</BookgDt><ValDt><Dt>2026-11-16</Dt></ValDt><AcctSvcrRef>B" +
            number + "</AcctSvcrRef>\n<NtryDtls><TxDtls><Refs><EndToEndId>E" + number +
            "</EndToEndId></Refs><RltdPties><Dbtr><Nm>Blume &amp; Co. KG</Nm></Dbtr><DbtrAcct><Id>"
            "<IBAN>NL91ABNA0417164300</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>Rechnung " +
            number + " vom 10.11.2026</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n";
  }
  return text + "</Stmt></BkToCstmrStmt></Document>\n";
}

// Lines of UTF-8, and how many of them hold an '='.
int count_fields(const std::string& text) {
  std::istringstream lines(convert(text, "UTF-8", "CP1251"));
  int fields = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string key = line.substr(0, line.find('='));
    if (key.size() < line.size()) ++fields;
  }
  return fields;
}

struct Figures {
  std::vector<double> seconds;
  std::vector<double> least;
  std::vector<double> ratios;
  double memory = 0;
  double least_memory = 0;
};

template <typename Work>
double measured(double& peak, Work&& work) {
  PeakMemory::reset();
  const double before = PeakMemory::resident();
  const std::clock_t start = std::clock();
  work();
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  peak = std::max(peak, PeakMemory::resident() - before);
  return seconds;
}

template <typename Least>
Figures measure(Database& db, const std::string& text, int documents, int runs, Least&& least) {
  saldo::Statement rows = db.compile_once("SELECT * FROM bank_statement(?1)");
  saldo::Statement sums = db.compile_once(
      "SELECT count(*), sum(amount), count(DISTINCT reference), count(booked_on), count(warning) "
      "FROM bank_statement(?1) WHERE direction = 'in'");
  std::int64_t sum = 0;
  for (int i = 0; i < documents; ++i) sum += 100 * (100 + i % 9000) + 50;
  sqlite3_bind_blob64(sums.handle(), 1, text.data(), text.size(), SQLITE_STATIC);
  const std::string count = std::to_string(documents);
  if (text_of_rows(sums) !=
      count + '\t' + std::to_string(sum) + '\t' + count + '\t' + count + "\t0\n")
    fail("the rows are not the documents that were written");
  sqlite3_reset(sums.handle());

  Figures figures;
  sqlite3_bind_blob64(rows.handle(), 1, text.data(), text.size(), SQLITE_STATIC);
  for (int run = 0; run < runs; ++run) {
    figures.least.push_back(measured(figures.least_memory, least));
    figures.seconds.push_back(measured(figures.memory, [&] {
      if (read_rows(rows) != documents) fail("not all documents are rows");
      sqlite3_reset(rows.handle());
    }));
    figures.ratios.push_back(figures.seconds.back() / figures.least.back());
  }
  return figures;
}

void print(const char* name, const char* least, const std::string& text, int documents,
           const Figures& figures) {
  const double mib = static_cast<double>(text.size()) / (1024 * 1024);
  std::printf(
      "%s, %d documents, %.1f MiB: %.3f s, %.0f MiB beside the file; %s: %.3f s, %.0f MiB\n", name,
      documents, mib, median(figures.seconds), figures.memory, least, median(figures.least),
      figures.least_memory);
  print_spread(std::string(name) + " against " + least, figures.ratios, 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: bank_statement EXTENSION [DOCUMENTS [RUNS]]");
  const int documents = argument(argc, argv, 2, 100'000, 1);
  const int runs = argument(argc, argv, 3, 5, 1);
  Database db(":memory:");
  db.load_extension(argv[1]);
  {
    const std::string text = exchange(documents);
    const auto figures = measure(db, text, documents, runs, [&] {
      if (count_fields(text) < documents) fail("the lines are not those that were written");
    });
    print("1CClientBankExchange", "iconv and getline", text, documents, figures);
  }
  const std::string text = camt(documents);
  const auto figures = measure(db, text, documents, runs, [&] {
    pugi::xml_document tree;
    if (!tree.load_buffer(text.data(), text.size())) fail("pugixml does not read it");
  });
  print("camt.053", "pugixml's tree", text, documents, figures);
}
