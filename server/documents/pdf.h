// Documents as PDF: A4, in PT Sans, whose outlines are part of the file, so that text can be
// selected and found. The same content gives the same bytes: neither clock nor chance, nor other
// fonts, nor the process's locale have a part in it; the release of cairo and pango has.
//
// Any thread may call these. They throw std::runtime_error where the font is not installed
// (Debian: fonts-paratype), std::bad_alloc, or as document_sheet does.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace saldo::server {

class PdfFile;
struct Sheet;

// `document` is a row of the table document.
std::string document_pdf(const nlohmann::json& document);

// How many pages the sheet takes, at least 1.
std::size_t count_pages(const Sheet& sheet);

// Documents to be posted, one after the other in one PDF, each on pages of its own, with the
// customer's postal address at the top right of its first page.
class PostPdf {
 public:
  // Takes the next bytes of the file; what it throws is thrown by add() or finish().
  using Write = std::function<void(std::string_view)>;
  explicit PostPdf(Write write);
  PostPdf(const PostPdf&) = delete;
  PostPdf& operator=(const PostPdf&) = delete;
  ~PostPdf();

  void add(const nlohmann::json& document);
  // Once, after at least one document; a PDF has pages.
  void finish();

 private:
  std::unique_ptr<PdfFile> file_;
};

}  // namespace saldo::server
