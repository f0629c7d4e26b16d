#include "documents/pdf.h"

#include <cairo-pdf.h>
#include <fontconfig/fontconfig.h>
#include <pango/pangocairo.h>
#include <pango/pangofc-fontmap.h>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "documents/sheet.h"

namespace saldo::server {

struct ReleasePrinted {
  void operator()(gpointer object) const { g_object_unref(object); }
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(FcConfig* config) const { FcConfigDestroy(config); }
  void operator()(PangoFontDescription* font) const { pango_font_description_free(font); }
  void operator()(PangoAttrList* attributes) const { pango_attr_list_unref(attributes); }
  void operator()(PangoLayoutIter* iterator) const { pango_layout_iter_free(iterator); }
  void operator()(cairo_font_options_t* options) const { cairo_font_options_destroy(options); }
};
template <typename T>
using Owned = std::unique_ptr<T, ReleasePrinted>;

namespace {

constexpr double kPointsPerMm = 72 / 25.4;
constexpr double kStroke = 0.5;        // points
constexpr double kFooterHeight = 6;    // mm
constexpr double kFooterSize = 7;      // points
constexpr double kLeastFlexible = 25;  // mm: a column that takes what is left
constexpr double kHair = 0.01;         // points, for comparisons
constexpr double kShrink = 0.99;       // of figures that are too wide, a little more than needed

// Debian's fonts-paratype.
constexpr std::array kFontFiles = {"/usr/share/fonts/truetype/paratype/PTS55F.ttf",
                                   "/usr/share/fonts/truetype/paratype/PTS75F.ttf"};
constexpr const char* kFontFamily = "PT Sans";

// These two fonts and no others, whatever the system has and prefers.
FcConfig* fonts() {
  static const Owned<FcConfig> kConfig = [] {
    Owned<FcConfig> made(FcConfigCreate());
    if (made == nullptr) throw std::bad_alloc();
    for (const char* file : kFontFiles) {
      if (FcConfigAppFontAddFile(made.get(), reinterpret_cast<const FcChar8*>(file)) == FcFalse) {
        throw std::runtime_error(std::string("documents are printed in PT Sans, but ") + file +
                                 " cannot be read; Debian's package fonts-paratype has it");
      }
    }
    return made;
  }();
  return kConfig.get();
}

// Pango's maps of fonts, with the glyphs that they have measured, serve one thread each.
PangoFontMap* font_map() {
  thread_local const Owned<PangoFontMap> kMap = [] {
    Owned<PangoFontMap> made(pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT));
    if (made == nullptr) throw std::bad_alloc();
    pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(made.get()), fonts());
    pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(made.get()), 72);
    return made;
  }();
  return kMap.get();
}

// A page, in points, before it is drawn.
struct PrintedLine {
  PangoLayoutLine* line = nullptr;  // of a layout that lives on
  double x = 0;
  double baseline = 0;
};
struct Stroke {
  double x1 = 0;
  double y1 = 0;
  double x2 = 0;
  double y2 = 0;
};
struct Square {
  double x = 0;
  double y = 0;
  const std::vector<std::vector<bool>>* modules = nullptr;
};
struct PrintedPage {
  std::vector<PrintedLine> lines;
  std::vector<Stroke> strokes;
  std::vector<Square> squares;
};

// The lines of a cell's text, from its top left corner without the padding.
struct SetText {
  struct Line {
    PangoLayoutLine* line = nullptr;
    double x = 0;
    double baseline = 0;
    double top = 0;
    double bottom = 0;
  };
  std::vector<Line> lines;
  double height = 0;
};

struct SetCell {
  const Cell* cell = nullptr;
  std::size_t row = 0;
  double x = 0;
  double width = 0;
  double needed = 0;  // height
  SetText text;
  std::vector<std::vector<bool>> modules;
};

struct SetTable {
  const Table* table = nullptr;
  std::vector<std::vector<SetCell>> rows;
  std::vector<double> heights;
  std::vector<bool> joined;  // with the row before by a cell that spans both

  [[nodiscard]] double height(std::size_t first, std::size_t end) const {
    return std::accumulate(heights.begin() + static_cast<std::ptrdiff_t>(first),
                           heights.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
  }
};

// Sets a sheet's text and breaks it into pages.
class Typesetter {
 public:
  explicit Typesetter(const Sheet& sheet)
      : sheet_(sheet),
        context_(pango_font_map_create_context(font_map())),
        width_((sheet.landscape ? kLongSide : kShortSide) * kPointsPerMm),
        height_((sheet.landscape ? kShortSide : kLongSide) * kPointsPerMm),
        left_((sheet.landscape ? kMargin : kBindingMargin) * kPointsPerMm),
        top_(kMargin * kPointsPerMm),
        right_(width_ - kMargin * kPointsPerMm),
        bottom_(height_ - kMargin * kPointsPerMm) {
    // Not those of a screen, nor of the process's locale.
    const Owned<cairo_font_options_t> options(cairo_font_options_create());
    cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(context_.get(), options.get());
    pango_context_set_round_glyph_positions(context_.get(), FALSE);
    pango_context_set_language(context_.get(),
                               pango_language_from_string(sheet.language == "ru" ? "ru" : "en"));
    pango_context_set_base_dir(context_.get(), PANGO_DIRECTION_LTR);
    tables_.reserve(sheet.tables.size());
    for (const Table& table : sheet.tables) tables_.push_back(set(table));
    break_into_pages();
    if (pages_.size() == 1) return;
    bottom_ -= kFooterHeight * kPointsPerMm;
    break_into_pages();
    number_pages();
  }

  [[nodiscard]] double width() const { return width_; }
  [[nodiscard]] double height() const { return height_; }
  [[nodiscard]] const std::vector<PrintedPage>& pages() const { return pages_; }

 private:
  // Setting ------------------------------------------------------------------------------------

  // Without width: on one line for each '\n'.
  PangoLayout* lay_out(const std::string& text, double size, bool bold, Align align,
                       std::optional<double> width) {
    Owned<PangoLayout> layout(pango_layout_new(context_.get()));
    const Owned<PangoFontDescription> font(pango_font_description_new());
    pango_font_description_set_family_static(font.get(), kFontFamily);
    pango_font_description_set_weight(font.get(), bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_absolute_size(font.get(), size * PANGO_SCALE);
    pango_layout_set_font_description(layout.get(), font.get());
    pango_layout_set_auto_dir(layout.get(), FALSE);
    set_text(layout.get(), text);
    if (width) {
      pango_layout_set_width(layout.get(), static_cast<int>(std::max(1.0, *width) * PANGO_SCALE));
      pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
      pango_layout_set_alignment(layout.get(), align == Align::kLeft     ? PANGO_ALIGN_LEFT
                                               : align == Align::kCenter ? PANGO_ALIGN_CENTER
                                                                         : PANGO_ALIGN_RIGHT);
    }
    return layouts_.emplace_back(std::move(layout)).get();
  }

  // U+00A0 becomes a blank, at which no line breaks: whoever looks for '1 803,28' finds it.
  static void set_text(PangoLayout* layout, const std::string& text) {
    constexpr std::string_view kJoin = "\u00a0";
    std::string printed;
    printed.reserve(text.size());
    const Owned<PangoAttrList> attributes(pango_attr_list_new());
    for (std::size_t i = 0; i < text.size();) {
      if (text.compare(i, kJoin.size(), kJoin) != 0) {
        printed += text[i++];
        continue;
      }
      // From within the character before the blank to within the one behind it.
      PangoAttribute* const whole = pango_attr_allow_breaks_new(FALSE);
      whole->start_index = static_cast<guint>(previous_character(printed));
      printed += ' ';
      whole->end_index = static_cast<guint>(printed.size() + 1);
      pango_attr_list_insert(attributes.get(), whole);
      i += kJoin.size();
    }
    // What is broken within a word is still read as one.
    pango_attr_list_insert(attributes.get(), pango_attr_insert_hyphens_new(FALSE));
    pango_layout_set_attributes(layout, attributes.get());
    pango_layout_set_text(layout, printed.data(), static_cast<int>(printed.size()));
  }

  static std::size_t previous_character(std::string_view text) {
    std::size_t start = text.empty() ? 0 : text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    return start;
  }

  static SetText lines_of(PangoLayout* layout) {
    SetText set;
    const Owned<PangoLayoutIter> line(pango_layout_get_iter(layout));
    do {
      PangoRectangle logical;
      pango_layout_iter_get_line_extents(line.get(), nullptr, &logical);
      SetText::Line each;
      each.line = pango_layout_iter_get_line_readonly(line.get());
      each.x = pango_units_to_double(logical.x);
      each.baseline = pango_units_to_double(pango_layout_iter_get_baseline(line.get()));
      each.top = pango_units_to_double(logical.y);
      each.bottom = each.top + pango_units_to_double(logical.height);
      set.height = std::max(set.height, each.bottom);
      set.lines.push_back(each);
    } while (pango_layout_iter_next_line(line.get()) != FALSE);
    return set;
  }

  static double natural_width(PangoLayout* layout) {
    int width = 0;
    pango_layout_get_size(layout, &width, nullptr);
    return pango_units_to_double(width);
  }

  [[nodiscard]] double size_of(const Cell& cell) const {
    return cell.size > 0 ? cell.size : sheet_.letter_size;
  }

  // Columns in points: a figure widens its column, at the cost of the one that takes what is left.
  std::vector<double> column_widths(const Table& table,
                                    const std::vector<std::vector<std::size_t>>& first_columns) {
    std::vector<double> widths;
    widths.reserve(table.widths.size());
    for (const double width : table.widths) widths.push_back(width * kPointsPerMm);
    const auto flexible = std::find(widths.begin(), widths.end(), 0.0);
    const double whole = right_ - left_;
    const auto rest = [&] { return whole - std::accumulate(widths.begin(), widths.end(), 0.0); };
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      const auto& cells = table.rows[row].cells;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const Cell& cell = cells[i];
        if (!cell.figure || cell.columns != 1) continue;
        double& width = widths[first_columns[row][i]];
        const double natural =
            natural_width(lay_out(cell.text, size_of(cell), cell.bold, cell.align, {}));
        const double wider = natural + kHair + 2 * kPaddingAcross * kPointsPerMm - width;
        if (wider > 0 && rest() - wider >= kLeastFlexible * kPointsPerMm) width += wider;
      }
    }
    if (flexible != widths.end()) *flexible = std::max(0.0, rest());
    return widths;
  }

  // Which column each cell begins in, past those that a cell above spans.
  static std::vector<std::vector<std::size_t>> place_cells(const Table& table,
                                                           std::vector<bool>& joined) {
    std::vector<std::size_t> spanned(table.widths.size(), 0);  // rows yet to come, by column
    std::vector<std::vector<std::size_t>> first_columns;
    for (const Row& row : table.rows) {
      joined.push_back(
          std::any_of(spanned.begin(), spanned.end(), [](auto rows) { return rows > 0; }));
      auto& columns = first_columns.emplace_back();
      std::size_t column = 0;
      const std::vector<std::size_t> above = spanned;
      for (auto& rows : spanned) rows -= rows > 0 ? 1 : 0;
      for (const Cell& cell : row.cells) {
        while (column < above.size() && above[column] > 0) ++column;
        if (column + cell.columns > spanned.size())
          throw std::logic_error("a row of a document has more cells than its table has columns");
        columns.push_back(column);
        for (std::size_t i = 0; i < cell.columns; ++i) spanned[column++] = cell.rows - 1;
      }
    }
    return first_columns;
  }

  SetTable set(const Table& table) {
    SetTable result;
    result.table = &table;
    const auto first_columns = place_cells(table, result.joined);
    const auto widths = column_widths(table, first_columns);
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      auto& cells = result.rows.emplace_back();
      double height = table.rows[row].height * kPointsPerMm;
      for (std::size_t i = 0; i < table.rows[row].cells.size(); ++i) {
        const Cell& cell = table.rows[row].cells[i];
        const auto begin = widths.begin() + static_cast<std::ptrdiff_t>(first_columns[row][i]);
        SetCell& each = cells.emplace_back();
        each.row = row;
        each.x = std::accumulate(widths.begin(), begin, left_);
        each.width = std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(cell.columns), 0.0);
        set(each, cell);
        if (cell.rows == 1) height = std::max(height, each.needed);
      }
      result.heights.push_back(height);
    }
    // What spans several rows makes the last of them higher.
    for (const auto& cells : result.rows) {
      for (const SetCell& each : cells) {
        const std::size_t end = each.row + each.cell->rows;
        const double missing = each.needed - result.height(each.row, end);
        if (missing > 0) result.heights[end - 1] += missing;
      }
    }
    return result;
  }

  void set(SetCell& each, const Cell& cell) {
    each.cell = &cell;
    const double inner = each.width - 2 * kPaddingAcross * kPointsPerMm;
    if (!cell.qr.empty()) {
      each.modules = qr_modules(cell.qr);
      each.needed = (kQrSide + 2 * kPaddingAlong) * kPointsPerMm;
      return;
    }
    double size = size_of(cell);
    if (cell.text.empty()) {
      each.needed = 0;
      return;
    }
    if (cell.figure) {
      const double natural = natural_width(lay_out(cell.text, size, cell.bold, cell.align, {}));
      if (natural > inner) size *= inner / natural * kShrink;
    }
    each.text = lines_of(lay_out(cell.text, size, cell.bold, cell.align, inner));
    each.needed = each.text.height + 2 * kPaddingAlong * kPointsPerMm;
  }

  // Pages --------------------------------------------------------------------------------------

  // The end of the rows that are not parted from row `first` by a page: one, or several joined.
  static std::size_t end_of_unit(const SetTable& table, std::size_t first) {
    std::size_t end = first + 1;
    while (end < table.rows.size() && table.joined[end]) ++end;
    return end;
  }

  // The height of what has to stand on one page, from row `first` of a table on.
  [[nodiscard]] double height_together(std::size_t index, std::size_t first) const {
    double height = 0;
    while (true) {
      const SetTable& table = tables_[index];
      const std::size_t end = end_of_unit(table, first);
      height += table.height(first, end);
      const bool last = end == table.rows.size();
      const Table& its = *table.table;
      const bool goes_on = last ? its.with_next
                                : its.together || end <= its.head ||
                                      (its.tail > 0 && end + its.tail >= table.rows.size());
      if (!goes_on) return height;
      if (!last) {
        first = end;
      } else {
        if (++index == tables_.size()) return height;
        height += tables_[index].table->space_before * kPointsPerMm;
        first = 0;
      }
    }
  }

  void break_into_pages() {
    pages_.clear();
    next_page();
    for (std::size_t i = 0; i < tables_.size(); ++i) place(i);
  }

  void next_page() {
    pages_.emplace_back();
    y_ = top_;
  }

  void place(std::size_t index) {
    const SetTable& table = tables_[index];
    const std::size_t head = table.table->head;
    if (y_ > top_) y_ += table.table->space_before * kPointsPerMm;
    for (std::size_t first = 0; first < table.rows.size();) {
      const std::size_t end = end_of_unit(table, first);
      const double repeated = first >= head ? table.height(0, head) : 0;
      const double unit = table.height(first, end);
      const double together = height_together(index, first);
      const double page = bottom_ - top_ - repeated;
      // Where a page cannot hold all that belongs together, it holds what it can.
      const double wanted = together <= page ? together : unit;
      if (y_ + wanted > bottom_ + kHair && y_ > top_) {
        next_page();
        if (first >= head && unit <= page) place_rows(table, 0, head);
      }
      if (y_ + unit <= bottom_ + kHair) {
        place_rows(table, first, end);
      } else {
        for (std::size_t row = first; row < end; ++row) place_in_parts(table, row);
      }
      first = end;
    }
  }

  void place_rows(const SetTable& table, std::size_t first, std::size_t end) {
    for (std::size_t row = first; row < end; ++row) {
      const auto& cells = table.rows[row];
      // Beside a line to write on, text stands on it.
      const bool low = std::any_of(cells.begin(), cells.end(), [](const SetCell& cell) {
        return cell.cell->edges == kBottomEdge;
      });
      for (const SetCell& cell : cells) {
        const double height = table.height(row, row + cell.cell->rows);
        draw_edges(cell, y_, height);
        const double slack = height - cell.needed;
        const bool middle = cell.cell->edges == kBox;
        double shift = 0;
        if (middle) {
          shift = slack / 2;
        } else if (low && cell.cell->rows == 1) {
          shift = slack;
        }
        draw_text(cell, 0, cell.text.lines.size(), y_ + shift + kPaddingAlong * kPointsPerMm);
        if (!cell.modules.empty()) {
          pages_.back().squares.push_back({cell.x + kPaddingAcross * kPointsPerMm,
                                           y_ + kPaddingAlong * kPointsPerMm, &cell.modules});
        }
      }
      y_ += table.heights[row];
    }
  }

  // A row that is higher than a page, line by line.
  void place_in_parts(const SetTable& table, std::size_t row) {
    const auto& cells = table.rows[row];
    const double padding = kPaddingAlong * kPointsPerMm;
    std::vector<std::size_t> next(cells.size(), 0);
    while (true) {
      double height = 0;
      bool more = false;
      bool moved = false;
      const double room = bottom_ - y_ - 2 * padding;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const auto& lines = cells[i].text.lines;
        const std::size_t from = next[i];
        if (from == lines.size()) continue;
        const double top = lines[from].top;
        std::size_t to = from;
        while (to < lines.size() && lines[to].bottom - top <= room) ++to;
        // At the top of a page one line is set at any rate.
        if (to == from && y_ <= top_) ++to;
        moved = moved || to > from;
        if (to > from) {
          draw_text(cells[i], from, to, y_ + padding);
          height = std::max(height, lines[to - 1].bottom - top);
        }
        next[i] = to;
        more = more || to < lines.size();
      }
      if (moved || y_ <= top_) {
        const double whole = height + 2 * padding;
        for (const SetCell& cell : cells) draw_edges(cell, y_, whole);
        y_ += whole;
      }
      if (!more) return;
      next_page();
    }
  }

  void draw_text(const SetCell& cell, std::size_t from, std::size_t to, double y) {
    const auto& lines = cell.text.lines;
    if (from == to) return;
    const double top = lines[from].top;
    const double x = cell.x + kPaddingAcross * kPointsPerMm;
    for (std::size_t i = from; i < to; ++i)
      pages_.back().lines.push_back({lines[i].line, x + lines[i].x, y + lines[i].baseline - top});
  }

  void draw_edges(const SetCell& cell, double y, double height) {
    const unsigned edges = cell.cell->edges;
    const double right = cell.x + cell.width;
    const double low = y + height;
    auto& strokes = pages_.back().strokes;
    if ((edges & kTopEdge) != 0) strokes.push_back({cell.x, y, right, y});
    if ((edges & kRightEdge) != 0) strokes.push_back({right, y, right, low});
    if ((edges & kBottomEdge) != 0) strokes.push_back({cell.x, low, right, low});
    if ((edges & kLeftEdge) != 0) strokes.push_back({cell.x, y, cell.x, low});
  }

  void number_pages() {
    const double baseline = height_ - kMargin * kPointsPerMm;
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      const auto print = [&](const std::string& text, Align align) {
        const SetText set = lines_of(lay_out(text, kFooterSize, false, align, right_ - left_));
        pages_[page].lines.push_back(
            {set.lines.front().line, left_ + set.lines.front().x, baseline});
      };
      print(sheet_.title, Align::kLeft);
      print(sheet_.page_text(page + 1, pages_.size()), Align::kRight);
    }
  }

  const Sheet& sheet_;
  const Owned<PangoContext> context_;
  const double width_;
  const double height_;
  const double left_;
  const double top_;
  const double right_;
  double bottom_;
  std::vector<Owned<PangoLayout>> layouts_;
  std::vector<SetTable> tables_;
  std::vector<PrintedPage> pages_;
  double y_ = 0;
};

// Rows of a symbol as bars, which overlap a little so that no light line shows between them.
void draw_square(cairo_t* cairo, const Square& square) {
  const auto& modules = *square.modules;
  const double side = kQrSide * kPointsPerMm / static_cast<double>(modules.size());
  constexpr double kOverlap = 0.02;
  for (std::size_t y = 0; y < modules.size(); ++y) {
    const auto& row = modules[y];
    for (std::size_t x = 0; x < row.size();) {
      if (!row[x]) {
        ++x;
        continue;
      }
      const std::size_t from = x;
      while (x < row.size() && row[x]) ++x;
      cairo_rectangle(cairo, square.x + static_cast<double>(from) * side,
                      square.y + static_cast<double>(y) * side,
                      static_cast<double>(x - from) * side, side * (1 + kOverlap));
    }
  }
  cairo_fill(cairo);
}

void draw_page(cairo_t* cairo, const PrintedPage& page) {
  cairo_set_line_width(cairo, kStroke);
  for (const Stroke& stroke : page.strokes) {
    cairo_move_to(cairo, stroke.x1, stroke.y1);
    cairo_line_to(cairo, stroke.x2, stroke.y2);
  }
  cairo_stroke(cairo);
  for (const Square& square : page.squares) draw_square(cairo, square);
  for (const PrintedLine& line : page.lines) {
    cairo_move_to(cairo, line.x, line.baseline);
    pango_cairo_show_layout_line(cairo, line.line);
  }
  cairo_show_page(cairo);
}

}  // namespace

class PdfFile {
 public:
  explicit PdfFile(PostPdf::Write write)
      : write_(std::move(write)),
        surface_(cairo_pdf_surface_create_for_stream(
            &PdfFile::take, this, kShortSide * kPointsPerMm, kLongSide * kPointsPerMm)),
        cairo_(cairo_create(surface_.get())) {
    cairo_pdf_surface_restrict_to_version(surface_.get(), CAIRO_PDF_VERSION_1_5);
    check();
  }

  void add(const Sheet& sheet) {
    const Typesetter set(sheet);
    for (const PrintedPage& page : set.pages()) {
      cairo_pdf_surface_set_size(surface_.get(), set.width(), set.height());
      draw_page(cairo_.get(), page);
    }
    check();
  }

  // The file's, not a page's; the clock has no part in it.
  void describe(const std::string& title, const std::string& author, Day dated) {
    const std::string instant = format_day(dated) + "T00:00:00Z";
    const auto put = [&](cairo_pdf_metadata_t what, const std::string& text) {
      cairo_pdf_surface_set_metadata(surface_.get(), what, text.c_str());
    };
    if (!title.empty()) put(CAIRO_PDF_METADATA_TITLE, title);
    if (!author.empty()) put(CAIRO_PDF_METADATA_AUTHOR, author);
    put(CAIRO_PDF_METADATA_CREATOR, "Saldo");
    put(CAIRO_PDF_METADATA_CREATE_DATE, instant);
    put(CAIRO_PDF_METADATA_MOD_DATE, instant);
  }

  void finish() {
    cairo_.reset();
    cairo_surface_finish(surface_.get());
    check();
  }

  ~PdfFile() {
    // Cairo writes a file's end even so; nobody wants it.
    write_ = nullptr;
  }
  PdfFile(const PdfFile&) = delete;
  PdfFile& operator=(const PdfFile&) = delete;

 private:
  // No exception may cross cairo.
  static cairo_status_t take(void* closure, const unsigned char* data, unsigned length) noexcept {
    auto& file = *static_cast<PdfFile*>(closure);
    if (!file.write_) return CAIRO_STATUS_SUCCESS;
    try {
      file.write_(std::string_view(reinterpret_cast<const char*>(data), length));
      return CAIRO_STATUS_SUCCESS;
    } catch (...) {
      if (!file.failure_) file.failure_ = std::current_exception();
      return CAIRO_STATUS_WRITE_ERROR;
    }
  }

  void check() {
    if (failure_) std::rethrow_exception(failure_);
    cairo_status_t status = cairo_surface_status(surface_.get());
    if (status == CAIRO_STATUS_SUCCESS && cairo_ != nullptr) status = cairo_status(cairo_.get());
    if (status == CAIRO_STATUS_NO_MEMORY) throw std::bad_alloc();
    if (status != CAIRO_STATUS_SUCCESS)
      throw std::runtime_error(std::string("cairo: ") + cairo_status_to_string(status));
  }

  PostPdf::Write write_;
  std::exception_ptr failure_;
  Owned<cairo_surface_t> surface_;
  Owned<cairo_t> cairo_;
};

PostPdf::PostPdf(Write write) : file_(std::make_unique<PdfFile>(std::move(write))) {}
PostPdf::~PostPdf() = default;

void PostPdf::add(const nlohmann::json& document) {
  Sheet sheet = document_sheet(document);
  sheet.tables.insert(sheet.tables.begin(), postal_address(document));
  file_->describe("", sheet.author, sheet.dated);
  file_->add(sheet);
}

void PostPdf::finish() { file_->finish(); }

std::size_t count_pages(const Sheet& sheet) { return Typesetter(sheet).pages().size(); }

std::string document_pdf(const nlohmann::json& document) {
  const Sheet sheet = document_sheet(document);
  std::string bytes;
  PdfFile file([&](std::string_view more) { bytes += more; });
  file.describe(sheet.title, sheet.author, sheet.dated);
  file.add(sheet);
  file.finish();
  return bytes;
}

}  // namespace saldo::server
