#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <vector>

#include "codecs/csv.h"
#include "codecs/json.h"
#include "commands/commands.h"
#include "commands/terminal.h"
#include "documents/functions.h"
#include "documents/pdf.h"
#include "rules/document.h"
#include "rules/time.h"
#include "store/database.h"

namespace saldo::server::commands {
namespace {

constexpr const char* kWho = "saldod documents";
constexpr const char* kPost = "post.pdf";
constexpr const char* kRegistryFile = "registry.csv";

// The last versions of a month's documents, in the order of their numbers.
constexpr const char* kRegistry =
    "SELECT d.document_id, d.kind, d.number, d.issued_on, d.correction_number, d.corrected_on,"
    " d.account_id, c.value ->> 'name' AS name, c.value ->> 'legal_name' AS legal_name,"
    " c.value ->> 'tax_id' AS tax_id, d.total, d.tax,"
    " c.value ->> 'document_delivery' AS document_delivery,"
    " c.value ->> 'postal_address' AS postal_address,"
    " document_file_name(d.content) || '.pdf' AS file, d.content,"
    " (SELECT a.admin_email FROM account AS a WHERE a.account_id = d.account_id)"
    " FROM document AS d LEFT JOIN json_each(d.content) AS c ON c.key = 'customer'"
    " WHERE d.month = ?1 AND NOT EXISTS ("
    "  SELECT 1 FROM document AS l WHERE l.corrects = coalesce(d.corrects, d.document_id)"
    "  AND l.correction_number > coalesce(d.correction_number, 0))"
    " ORDER BY d.kind, substr(d.issued_on, 1, 4), d.number";
enum RegistryColumn : int {
  kKind = 1,
  kAccountId = 6,
  kTaxId = 9,
  kDelivery = 12,
  kAddress = 13,
  kFile = 14,
  kContent = 15,
  kEmail = 16
};

// A file that is there under its name when it is whole, and not before. Throws std::runtime_error.
class NewFile {
 public:
  explicit NewFile(std::filesystem::path file)
      : file_(std::move(file)),
        part_(std::filesystem::path(file_).concat(".part")),
        stream_(part_, std::ios::binary | std::ios::trunc) {}

  void write(std::string_view bytes) {
    stream_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    check();
  }
  void finish() {
    stream_.close();
    check();
    std::filesystem::rename(part_, file_);
  }

 private:
  void check() const {
    if (!stream_) throw std::runtime_error("cannot write " + part_.string());
  }

  std::filesystem::path file_;
  std::filesystem::path part_;
  std::ofstream stream_;
};

void write_file(const std::filesystem::path& file, std::string_view bytes) {
  NewFile written(file);
  written.write(bytes);
  written.finish();
}

struct Post {
  explicit Post(const std::filesystem::path& path) : file(path) {}

  NewFile file;
  PostPdf pages{[this](std::string_view bytes) { file.write(bytes); }};
};

// What was written there is on the disk.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = descriptor >= 0 && syncfs(descriptor) == 0;
  if (descriptor >= 0) close(descriptor);
  if (!done) throw std::runtime_error("cannot write " + folder.string() + " to the disk");
}

std::int64_t issue(Database& books, const PrintedMonth& printed) {
  const std::string now = format_instant(clock_now());
  Transaction transaction(books, "BEGIN IMMEDIATE");
  auto run = books.prepare(
      "INSERT INTO document_run(month, issued_on, recorded_at, recorded_by)"
      " VALUES (?1, coalesce(nullif(?2, ''), date(?1 || '-01', '+1 month', '-1 day')), ?3, ?4)");
  run.bind_static(1, printed.month).bind_static(2, printed.issued_on).bind_static(3, now);
  run.bind_static(4, kWho).step();
  run.reset();
  auto made = books.prepare("SELECT documents FROM document_run ORDER BY run_id DESC LIMIT 1");
  made.step();
  const auto documents = made.integer(0);
  made.reset();
  transaction.commit();
  return documents;
}

class Folder {
 public:
  Folder(Database& books, const PrintedMonth& printed)
      : books_(books), printed_(printed), out_(printed.out) {
    std::error_code error;
    std::filesystem::create_directories(out_, error);
    if (!std::filesystem::is_directory(out_))
      throw std::runtime_error(printed.out + " is no folder, and none can be made there");
  }

  // Those of an earlier run, so that they are not taken for this one's.
  void clear() {
    for (const char* name : {kPost, kRegistryFile}) std::filesystem::remove(out_ / name);
    sync_folder(out_);
  }

  // The registry is the last to be there: with it all else is.
  void print() {
    const Transaction snapshot(books_, "BEGIN");
    const auto total = count();
    std::optional<Post> post;
    std::int64_t posted = 0;
    std::string registry;
    append_csv_header(registry, columns_);
    auto rows = books_.prepare(kRegistry);
    rows.bind_static(1, printed_.month);
    for (std::int64_t number = 1; rows.step(); ++number) {
      show_progress("document " + std::to_string(number) + " of " + std::to_string(total));
      const auto document = document_of(rows.text(kContent));
      write_file(out_ / std::string(rows.text(kFile)), document_pdf(document));
      append_csv_row(registry, rows, columns_);
      note_missing(rows);
      if (rows.text(kDelivery) != "post") continue;
      if (!post) post.emplace(out_ / kPost);
      post->pages.add(document);
      ++posted;
    }
    show_progress("");
    if (post) {
      post->pages.finish();
      post->file.finish();
    }
    sync_folder(out_);
    write_file(out_ / kRegistryFile, registry);
    sync_folder(out_);
    std::cout << total << " documents in " << printed_.out << ", " << posted
              << " of them in post.pdf\n";
    for (const auto& missing : missing_) std::cout << missing << '\n';
  }

 private:
  // What the document cannot reach its customer without and, of a UPD, what it must say.
  void note_missing(const Statement& row) {
    const auto note = [&](const char* what) {
      missing_.push_back("account " + std::to_string(row.integer(kAccountId)) + " has no " + what);
    };
    const bool posted = row.text(kDelivery) == "post";
    const bool transfer = row.text(kKind) == document_kind_name(DocumentKind::kUpd);
    if ((posted || transfer) && row.is_null(kAddress)) note("postal address");
    if (!posted && row.is_null(kEmail)) note("e-mail address");
    if (transfer && row.is_null(kTaxId)) note("tax_id, which a UPD needs");
  }

  std::int64_t count() {
    auto row = books_.compile_once(std::string("SELECT count(*) FROM (") + kRegistry + ")");
    row.bind_static(1, printed_.month).step();
    return row.integer(0);
  }

  static std::vector<Column> registry_columns(Database& books) {
    auto rows = books.prepare(kRegistry);
    std::vector<Column> columns;
    columns.reserve(kContent);
    for (int i = 0; i < kContent; ++i)
      columns.push_back(json_column(i, sqlite3_column_name(rows.handle(), i), false));
    return columns;
  }

  Database& books_;
  const PrintedMonth& printed_;
  std::filesystem::path out_;
  std::vector<Column> columns_ = registry_columns(books_);
  std::vector<std::string> missing_;
};

}  // namespace

int print_documents(const std::string& database, const PrintedMonth& printed) {
  if (printed.month.size() != 7 || !parse_day(printed.month + "-01"))
    throw std::runtime_error("--month " + printed.month + " is not a month, YYYY-MM");
  if (!printed.issued_on.empty() && !parse_day(printed.issued_on))
    throw std::runtime_error("--issued-on " + printed.issued_on + " is not a day, YYYY-MM-DD");
  Database books(database, printed.issue ? Database::Mode::kWrite : Database::Mode::kRead);
  if (printed.issue) require_no_log(books, database);
  Folder folder(books, printed);
  folder.clear();
  if (printed.issue) {
    std::cout << "issued " << issue(books, printed) << " documents of " << printed.month
              << std::endl;
  }
  folder.print();
  return 0;
}

}  // namespace saldo::server::commands
