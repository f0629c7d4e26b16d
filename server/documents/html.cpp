#include "documents/html.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "documents/pdf.h"
#include "documents/sheet.h"

namespace saldo::server {
namespace {

constexpr std::string_view kStyle = R"css(
body { margin: 0 auto; padding: 10mm 0; line-height: 1.29; color: #000; background: #fff }
@media print { body { padding: 0 } }
table { width: 100%; border-collapse: collapse }
td, th { padding: .4mm .8mm; vertical-align: top; text-align: left; font-weight: normal; overflow-wrap: anywhere }
h1 { margin: 0; font-size: inherit }
tr { break-inside: avoid }
table.together { break-inside: avoid }
table.joined, tr.joined { break-after: avoid }
tr.low > td:not([rowspan]) { vertical-align: bottom }
.middle { vertical-align: middle }
.center { text-align: center }
.right { text-align: right }
.bold { font-weight: bold }
.line { white-space: nowrap }
.t { border-top: .5pt solid }
.r { border-right: .5pt solid }
.b { border-bottom: .5pt solid }
.l { border-left: .5pt solid }
svg { display: block }
)css";

// At least as wide as a figure: numbers to a tenth of a millimetre or a point.
std::string css_number(double value) {
  constexpr int kTenth = 10;
  const auto tenths = std::lround(value * kTenth);
  std::string text = std::to_string(tenths / kTenth);
  if (tenths % kTenth != 0) text += '.' + std::to_string(tenths % kTenth);
  return text;
}

void append_escaped(std::string& html, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
}

// Words that U+00A0 joins stay on one line, and are found by whoever looks for a blank.
void append_text(std::string& html, std::string_view text) {
  constexpr std::string_view kJoin = "\u00a0";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    if (word.find(kJoin) == std::string_view::npos) {
      append_escaped(html, word);
    } else {
      html += "<span class=\"line\">";
      std::string joined(word);
      for (std::size_t i = 0; (i = joined.find(kJoin, i)) != std::string::npos;)
        joined.replace(i, kJoin.size(), " ");
      append_escaped(html, joined);
      html += "</span>";
    }
    if (end == text.size()) return;
    html += text[end] == '\n' ? "<br>" : " ";
    text.remove_prefix(end + 1);
  }
}

void append_qr(std::string& html, const std::string& bytes) {
  const auto modules = qr_modules(bytes);
  const std::string side = std::to_string(modules.size());
  const std::string size = css_number(kQrSide) + "mm";
  html += "<svg width=\"" + size + "\" height=\"" + size + "\" viewBox=\"0 0 " + side + ' ' + side +
          R"(" shape-rendering="crispEdges" role="img" aria-label="QR"><path d=")";
  for (std::size_t y = 0; y < modules.size(); ++y) {
    const auto& row = modules[y];
    for (std::size_t x = 0; x < row.size();) {
      if (!row[x]) {
        ++x;
        continue;
      }
      const std::size_t from = x;
      while (x < row.size() && row[x]) ++x;
      const std::string width = std::to_string(x - from);
      html.append("M").append(std::to_string(from)).append(" ").append(std::to_string(y));
      html.append("h").append(width).append("v1h-").append(width).append("z");
    }
  }
  html += "\"/></svg>";
}

void append_cell(std::string& html, const Cell& cell, bool head) {
  std::string classes;
  const auto add = [&](bool wanted, std::string_view name) {
    if (!wanted) return;
    if (!classes.empty()) classes += ' ';
    classes += name;
  };
  add((cell.edges & kTopEdge) != 0, "t");
  add((cell.edges & kRightEdge) != 0, "r");
  add((cell.edges & kBottomEdge) != 0, "b");
  add((cell.edges & kLeftEdge) != 0, "l");
  add(cell.edges == kBox, "middle");
  add(cell.align == Align::kCenter, "center");
  add(cell.align == Align::kRight, "right");
  add(cell.bold, "bold");
  add(cell.figure, "line");
  const std::string_view name = head ? "th" : "td";
  html.append("<").append(name);
  if (!classes.empty()) html += " class=\"" + classes + '"';
  if (cell.size > 0) html += " style=\"font-size:" + css_number(cell.size) + "pt\"";
  if (cell.columns > 1) html += " colspan=\"" + std::to_string(cell.columns) + '"';
  if (cell.rows > 1) html += " rowspan=\"" + std::to_string(cell.rows) + '"';
  html += '>';
  if (cell.title) html += "<h1>";
  if (cell.qr.empty()) {
    append_text(html, cell.text);
  } else {
    append_qr(html, cell.qr);
  }
  if (cell.title) html += "</h1>";
  html.append("</").append(name).append(">");
}

void append_row(std::string& html, const Row& row, bool head, bool joined) {
  const bool low = std::any_of(row.cells.begin(), row.cells.end(),
                               [](const Cell& cell) { return cell.edges == kBottomEdge; });
  html += "<tr";
  if (low || joined) {
    html += " class=\"";
    html += low ? "low" : "";
    html += low && joined ? " " : "";
    html += joined ? "joined\"" : "\"";
  }
  if (row.height > 0) html += " style=\"height:" + css_number(row.height) + "mm\"";
  html += '>';
  for (const Cell& cell : row.cells) append_cell(html, cell, head);
  html += "</tr>\n";
}

void append_table(std::string& html, const Table& table) {
  html += "<table";
  if (table.together || table.with_next) {
    html += " class=\"";
    html += table.together ? "together" : "";
    html += table.together && table.with_next ? " " : "";
    html += table.with_next ? "joined\"" : "\"";
  }
  if (table.space_before > 0)
    html += " style=\"margin-top:" + css_number(table.space_before) + "mm\"";
  html += "><colgroup>";
  for (const double width : table.widths) {
    html += width > 0 ? "<col style=\"width:" + css_number(width) + "mm\">" : "<col>";
  }
  html += "</colgroup>\n";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const bool head = i < table.head;
    if (i == 0 && head) html += "<thead>\n";
    if (i == table.head) html += "<tbody>\n";
    // With the row behind it.
    const bool joined = !head && table.tail > 0 && i + 1 < table.rows.size() &&
                        i + 1 + table.tail >= table.rows.size();
    append_row(html, table.rows[i], head, joined);
    if (head && i + 1 == table.head) html += "</thead>\n";
  }
  html += "</tbody></table>\n";
}

}  // namespace

std::string document_html(const nlohmann::json& document) {
  const Sheet sheet = document_sheet(document);
  const double left = sheet.landscape ? kMargin : kBindingMargin;
  const double width = (sheet.landscape ? kLongSide : kShortSide) - left - kMargin;
  std::string html = "<!DOCTYPE html>\n<html lang=\"" + sheet.language +
                     "\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" "
                     "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>";
  append_escaped(html, sheet.title);
  html += "</title>\n<style>\n@page { size: A4";
  html += sheet.landscape ? " landscape" : "";
  html += "; margin: " + css_number(kMargin) + "mm " + css_number(kMargin) + "mm " +
          css_number(kMargin) + "mm " + css_number(left) + "mm";
  if (count_pages(sheet) > 1) {
    html += ";\n  @bottom-right { content: ";
    html += sheet.language == "ru" ? R"("Страница " counter(page) " из " counter(pages))"
                                   : R"("Page " counter(page) " of " counter(pages))";
    html += "; font: 7pt \"PT Sans\", sans-serif }\n";
  }
  html += " }\nbody { width: " + css_number(width) + "mm; font: " + css_number(sheet.letter_size) +
          "pt \"PT Sans\", sans-serif }";
  html += kStyle;
  html += "</style>\n</head>\n<body>\n";
  for (const Table& table : sheet.tables) append_table(html, table);
  html += "</body>\n</html>\n";
  return html;
}

}  // namespace saldo::server
