// A document as it stands on paper: tables of cells in reading order, on pages of A4. PDF and HTML
// are both made from it, so that they say the same.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rules/time.h"

namespace saldo::server {

enum class Align { kLeft, kCenter, kRight };

// The edges of a cell that are drawn.
inline constexpr unsigned kTopEdge = 1;
inline constexpr unsigned kRightEdge = 2;
inline constexpr unsigned kBottomEdge = 4;
inline constexpr unsigned kLeftEdge = 8;
inline constexpr unsigned kBox = kTopEdge | kRightEdge | kBottomEdge | kLeftEdge;

struct Cell {
  // UTF-8; '\n' begins a line; no line is broken at U+00A0, which is printed as a blank.
  std::string text = {};
  std::size_t columns = 1;
  std::size_t rows = 1;
  Align align = Align::kLeft;
  unsigned edges = 0;
  double size = 0;  // of the letters, in points; 0: the sheet's
  bool bold = false;
  bool title = false;   // it names the document
  bool figure = false;  // stands on one line; its column is made wide enough
  std::string qr = {};  // in place of text: what a QR code says, bytes
};

struct Row {
  std::vector<Cell> cells = {};  // without those that a cell above spans
  double height = 0;             // mm, at least
};

struct Table {
  std::vector<double> widths;  // of the columns, mm, at least; one is 0: what is left of the page
  std::vector<Row> rows;
  std::size_t head = 0;     // how many of the rows are repeated on each page
  std::size_t tail = 0;     // how many of the last rows stand with the row before them
  double space_before = 0;  // mm
  bool together = false;    // is not parted where one page can hold it
  bool with_next = false;   // its last row stands on one page with the next table's beginning
};

struct Sheet {
  std::string language;  // ru or en
  std::string title;     // 'Акт № 12 от 30 ноября 2026 года'
  std::string author;
  Day dated{};  // issued_on or, of a correction, corrected_on
  bool landscape = false;
  double letter_size = 9;  // points
  std::vector<Table> tables;

  // 'Страница 1 из 2'.
  [[nodiscard]] std::string page_text(std::size_t page, std::size_t pages) const;
};

// `document` is a row of the table document: its `content` alone is read, an object or JSON as a
// text. Throws invalid where it is no content of a kind that there is.
Sheet document_sheet(const nlohmann::json& document);

// To be put before the sheet's tables: to whom it is posted, at the top right.
Table postal_address(const nlohmann::json& document);

// The content of a row of document.
nlohmann::json content_of(const nlohmann::json& document);

// On all sides of a page but the left one of an upright page, which is 20 mm for the binding.
inline constexpr double kMargin = 10;
inline constexpr double kBindingMargin = 20;
inline constexpr double kShortSide = 210;
inline constexpr double kLongSide = 297;
// Between the text of a cell and its edges, mm.
inline constexpr double kPaddingAcross = 0.8;
inline constexpr double kPaddingAlong = 0.4;
// Side of a QR code, mm.
inline constexpr double kQrSide = 34;

// A QR code: squares in rows, true is dark; it has no margin. Empty where the bytes do not fit.
std::vector<std::vector<bool>> qr_modules(const std::string& bytes);

}  // namespace saldo::server
