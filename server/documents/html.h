// Documents as HTML: a page of its own without scripts and without anything from elsewhere, which
// prints on A4 as the PDF does. Every text is escaped.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace saldo::server {

// `document` is a row of the table document. UTF-8. Throws as document_sheet does.
std::string document_html(const nlohmann::json& document);

}  // namespace saldo::server
