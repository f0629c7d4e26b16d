#include "documents/functions.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>

#include "documents/fields.h"
#include "documents/html.h"
#include "documents/pdf.h"
#include "documents/sheet.h"
#include "documents/xml.h"
#include "sqlite/guard.h"
#include "sqlite/value.h"

namespace saldo::server {
namespace {

using nlohmann::json;

struct Printer {
  const char* name;
  std::string (*print)(const json& document);
  bool is_text;
};

constexpr std::array<Printer, 5> kPrinters = {{
    {"document_pdf", document_pdf, false},
    {"document_html", document_html, true},
    {"document_xml", document_xml, false},
    {"document_file_name", document_file_name, true},
    {"document_xml_name", document_xml_name, true},
}};

void print(sqlite3_context* result, int /*count*/, sqlite3_value** arguments) {
  guard_function(result, [&] {
    if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
    const auto& printer = *static_cast<const Printer*>(sqlite3_user_data(result));
    const std::string printed = printer.print(document_of(value_text(arguments[0])));
    if (printer.is_text) return result_text(result, printed);
    sqlite3_result_blob64(result, printed.data(), printed.size(), SQLITE_TRANSIENT);
  });
}

// The documents to be posted, in one file.
class PostFile {
 public:
  void add(std::string_view content) { pages_.add(document_of(content)); }
  std::string finish() {
    pages_.finish();
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  PostPdf pages_{[this](std::string_view bytes) { bytes_ += bytes; }};
};

constexpr const char* kPostFunction = "document_post_pdf";

// SQLite keeps a pointer to it for each group.
PostFile** post_file(sqlite3_context* context, int bytes) {
  return static_cast<PostFile**>(sqlite3_aggregate_context(context, bytes));
}

void add_to_post(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
  guard_function(context, [&] {
    PostFile** const file = post_file(context, sizeof(void*));
    if (file == nullptr) throw std::bad_alloc();
    if (*file == nullptr) *file = new PostFile();
    (*file)->add(value_text(arguments[0]));
  });
}

// Also after an error: then nobody reads the result.
void finish_post(sqlite3_context* context) {
  PostFile** const kept = post_file(context, 0);
  if (kept == nullptr || *kept == nullptr) return;
  const std::unique_ptr<PostFile> file(std::exchange(*kept, nullptr));
  guard_function(context, [&] {
    const std::string bytes = file->finish();
    sqlite3_result_blob64(context, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  });
}

}  // namespace

void register_document_functions(sqlite3* db) {
  for (const Printer& printer : kPrinters) {
    const int code = sqlite3_create_function_v2(
        db, printer.name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
        const_cast<Printer*>(&printer), print, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) throw SqliteError(db);
  }
  if (sqlite3_create_function_v2(db, kPostFunction, 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, nullptr,
                                 nullptr, add_to_post, finish_post, nullptr) != SQLITE_OK)
    throw SqliteError(db);
}

bool is_document_function(std::string_view name) {
  const auto is = [&](std::string_view known) {
    return known.size() == name.size() &&
           sqlite3_strnicmp(known.data(), name.data(), static_cast<int>(name.size())) == 0;
  };
  return is(kPostFunction) || std::any_of(kPrinters.begin(), kPrinters.end(),
                                          [&](const Printer& printer) { return is(printer.name); });
}

json document_of(std::string_view content) {
  const json text = {{"content", content}};
  return {{"content", content_of(text)}};
}

std::string document_file_name(const json& document) {
  const json content = content_of(document);
  std::string name = text_of(content, "kind") + "-" +
                     std::to_string(integer_of(content, "number").value_or(0)) + "-" +
                     format_day(day_of(content, "issued_on"));
  if (const auto correction = integer_of(content, "correction_number"))
    name += "-correction-" + std::to_string(*correction);
  return name;
}

}  // namespace saldo::server
