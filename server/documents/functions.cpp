#include "documents/functions.h"

#include <algorithm>
#include <array>

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

}  // namespace

void register_document_functions(sqlite3* db) {
  for (const Printer& printer : kPrinters) {
    const int code = sqlite3_create_function_v2(
        db, printer.name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
        const_cast<Printer*>(&printer), print, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) throw SqliteError(db);
  }
}

bool is_document_function(std::string_view name) {
  return std::any_of(kPrinters.begin(), kPrinters.end(), [&](const Printer& printer) {
    const std::string_view known = printer.name;
    return known.size() == name.size() &&
           sqlite3_strnicmp(known.data(), name.data(), static_cast<int>(name.size())) == 0;
  });
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
