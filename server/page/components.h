// What a page is made of: the rows of its statements name components, and each component is a small
// function that writes HTML. Whatever comes from the database or from whoever asks is escaped where
// it is written, in one place.
//
// A row whose first column is `component` opens that component, and its other columns say what it
// is like. The rows of the statements that follow, without that column, are its rows. A column may
// end with how it is shown, as in "due:money" (words.h); a column that the vocabulary knows needs
// not.
//
//   shell    title, place: the frame of the page; `place` is the path of the menu's entry
//   heading  title, text, level (2), link, label: a heading, and where one may go from it
//   text     text, kind (muted)
//   banner   text, kind (info, good, warning, error), link, label
//   facts    rows: label, value, link, state; or one row, of which each column is a fact
//   table    title, note, empty; rows: columns; `link` is where the first column leads,
//            `action` and `action_link` are a link at the end, `answer` 1 marks the row;
//            `csv` of the table is where its rows are a spreadsheet
//   tabs     rows: title, link, active
//   form     title, text, submit, and `link`: a form that asks (GET); or `writes`, such as "POST
//            /v1/accounts/1/payments", the route that it writes through, with `shows`, the page
//            whose facts are shown before and after, `back`, where one goes from there,
//            `secret`, 1 where the answer is shown once, and `clears`, 1 where an empty field is
//            null instead of left out; `columns`, 2 or 3, puts the fields one under another. rows:
//            name, label, type (text, money (in minor units), integer, day, month, select,
//            textarea, password, hidden, flag, unlimited, file, gap), value (of a list: its values,
//            parted by commas), required, hint, options (a JSON array of [value, label])
//   chart    title, type (line, bar); rows: the first column is the axis, others are series;
//            `off` 1 shades the row, `mark` names it
//   confirm  text, submit; rows: label, before, after
#pragma once

#include <date/tz.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codecs/form.h"
#include "rules/time.h"

namespace saldo::server {

// For whom a page is written.
struct Locale {
  std::string language = "ru";
  std::string currency = "RUB";
  const date::time_zone* zone = nullptr;  // null: UTC

  [[nodiscard]] std::string_view say(std::string_view key) const;
};

// What surrounds a page.
struct Frame {
  struct Entry {
    std::string path;
    std::string label;
  };
  std::vector<Entry> menu;
  std::string who;      // empty: nobody is signed in
  std::string notice;   // what was done just now
  std::string problem;  // why what was sent was not done
  std::string target;   // path?query of the page
  // Whether whoever looks may go to a path of this server, or write by it; what they may not is
  // left out. Null: all of it.
  std::function<bool(std::string_view method, std::string_view link)> may;
  Fields given;  // what was sent, put into the form again
};

using PageCell = std::pair<std::string, std::optional<std::string>>;  // a column's name, its text
using PageRow = std::vector<PageCell>;

class Page {
 public:
  Page(const Locale& locale, const Frame& frame) : locale_(locale), frame_(frame) {}

  // The columns of the rows that follow.
  void columns(const std::vector<std::string>& names);
  void row(PageRow row);
  // Where the rows of a statement go on; a path with its query.
  void next_link(std::string link) { next_ = std::move(link); }
  // The whole page. Once.
  std::string html();

 private:
  struct Open {
    std::string component;
    PageRow properties;
    std::vector<std::string> columns;
    std::vector<PageRow> rows;
    std::string next;
  };
  void close();
  void drop_empty_heading();

  const Locale& locale_;
  const Frame& frame_;
  std::string title_;
  std::string place_;
  std::string main_;
  std::optional<Open> open_;
  std::vector<std::string> columns_;
  std::string next_;
  bool bare_ = true;  // no shell was opened
  // Where in main_ the last heading begins and ends, and whether a form below it was left out.
  std::size_t heading_ = 0;
  std::size_t below_heading_ = 0;
  bool left_out_ = false;
};

// The facts that a page shows, without HTML: for what changes between two of them.
class FactSheet {
 public:
  explicit FactSheet(const Locale& locale) : locale_(locale) {}
  void columns(const std::vector<std::string>& /*names*/) {}
  void next_link(const std::string& /*link*/) {}
  void row(const PageRow& row);
  // Labels, and what they are.
  using Facts = std::vector<std::pair<std::string, std::string>>;
  [[nodiscard]] const Facts& facts() const { return facts_; }
  // What the rows have in the column `before`.
  [[nodiscard]] const Facts& before() const { return before_; }

 private:
  const Locale& locale_;
  bool in_facts_ = false;
  Facts facts_;
  Facts before_;
};

// The fields of one of a page's forms: how they are called, and what may be chosen.
class FormSheet {
 public:
  FormSheet(std::string writes, std::string title)
      : writes_(std::move(writes)), title_(std::move(title)) {}
  void columns(const std::vector<std::string>& /*names*/) {}
  void next_link(const std::string& /*link*/) {}
  void row(const PageRow& row);
  // What a person sees of a field; empty: the form has none of that name that is seen.
  [[nodiscard]] std::string label(std::string_view name) const;
  // And of a value that was chosen or typed.
  [[nodiscard]] std::string value(const Locale& locale, std::string_view name,
                                  const std::string& value) const;

 private:
  [[nodiscard]] const PageRow* find(std::string_view name) const;

  std::string writes_;
  std::string title_;
  bool in_form_ = false;
  std::vector<PageRow> fields_;
};

// A value as it is read: '1 990,00 ₽'. `name` is a column's, with how it is shown or without.
std::string shown(const Locale& locale, std::string_view name, const std::string& value);
// What a column is called.
std::string label_of(const Locale& locale, std::string_view name);

// Minor units as people would type them: '1990,00', or in English with a dot.
std::string typed_money(const Locale& locale, const std::string& value);

// `text` for HTML, between tags and in quoted attributes.
void append_html(std::string& out, std::string_view text);
// A path of this server, or "#" for all else.
std::string_view own_link(std::string_view link);

}  // namespace saldo::server
