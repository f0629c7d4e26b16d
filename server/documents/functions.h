// SQL functions that print documents, for routes and commands (server/README.md, "Documents").
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "sqlite/api.h"

namespace saldo::server {

// On every connection of the server, but for that of analysts, where they are refused. They depend
// on their argument alone, a document.content; NULL gives NULL.
//   document_pdf(content)        a blob
//   document_html(content)       a text
//   document_xml(content)        a blob, in windows-1251
//   document_file_name(content)  of ASCII, without an ending: act-12-2026-11-30
//   document_xml_name(content)   as the tax service names the file, without an ending
//   document_post_pdf(content)   an aggregate: the documents to be posted, in their order, with
//                                their addresses; a blob
// Throws SqliteError.
void register_document_functions(sqlite3* db);
bool is_document_function(std::string_view name);

// What the renderers take, of a document.content. Throws invalid where it is none.
nlohmann::json document_of(std::string_view content);
std::string document_file_name(const nlohmann::json& document);

}  // namespace saldo::server
