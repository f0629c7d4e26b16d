#include "page/components.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>

#include "codecs/json.h"
#include "page/assets.h"
#include "page/words.h"
#include "rules/error.h"
#include "rules/money.h"
#include "rules/notice_text.h"
#include "rules/text.h"

namespace saldo::server {
namespace {

struct Named {
  std::string_view bare;
  Show show = Show::kText;
};

// "due:money" is `due`, shown as money; other names are as the vocabulary has them.
Named named(std::string_view name) {
  const auto colon = name.rfind(':');
  if (colon != std::string_view::npos) {
    if (const auto show = parse_show(name.substr(colon + 1))) return {name.substr(0, colon), *show};
  }
  const Word* word = find_word(name);
  return {name, word != nullptr ? word->show : Show::kText};
}

std::optional<std::int64_t> shown_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

const std::optional<std::string>* find_cell(const PageRow& row, std::string_view name) {
  const auto found = std::find_if(row.begin(), row.end(),
                                  [&](const PageCell& cell) { return cell.first == name; });
  return found == row.end() ? nullptr : &found->second;
}

std::string text_in(const PageRow& row, std::string_view name, std::string_view otherwise = "") {
  const auto* const value = find_cell(row, name);
  return value != nullptr && *value ? **value : std::string(otherwise);
}

bool is_set(const PageRow& row, std::string_view name) {
  const std::string text = text_in(row, name);
  return !text.empty() && text != "0";
}

// Columns that say something about a row and are not shown themselves.
bool is_unseen(std::string_view name) {
  return name == "link" || name == "action" || name == "action_link" || name == "off" ||
         name == "mark" || name == "answer";
}

// Writes HTML; everything but the tags themselves goes through append_html.
class Html {
 public:
  Html(std::string& out, const Locale& of_locale, const Frame& of_frame)
      : locale(of_locale), frame(of_frame), out_(out) {}

  Html& raw(std::string_view tags) {
    out_ += tags;
    return *this;
  }
  Html& text(std::string_view text) {
    append_html(out_, text);
    return *this;
  }
  Html& attribute(std::string_view name, std::string_view value) {
    return raw(" ").raw(name).raw("=\"").text(value).raw("\"");
  }
  Html& say(std::string_view key) { return text(locale.say(key)); }
  Html& element(std::string_view tag, std::string_view content) {
    if (content.empty()) return *this;
    return raw("<").raw(tag).raw(">").text(content).raw("</").raw(tag).raw(">");
  }
  Html& link(std::string_view to, std::string_view label, std::string_view css = "") {
    raw("<a").attribute("href", own_link(to));
    if (!css.empty()) attribute("class", css);
    return raw(">").text(label).raw("</a>");
  }
  [[nodiscard]] bool may(std::string_view link, std::string_view method = "GET") const {
    return !frame.may || link.substr(0, 1) != "/" ||
           frame.may(method, link.substr(0, link.find('#')));
  }
  Html& state(const std::string& state) {
    return raw("<span class=\"state\"")
        .attribute("data-state", state)
        .raw(">")
        .text(shown(locale, "state", state))
        .raw("</span>");
  }
  Html& value(std::string_view name, const std::string& value) {
    if (named(name).show == Show::kState) return state(value);
    return text(shown(locale, name, value));
  }

  const Locale& locale;
  const Frame& frame;

 private:
  std::string& out_;
};

bool is_numeric(Show show) { return show == Show::kMoney || show == Show::kNumber; }

void write_heading(Html& html, const PageRow& of) {
  const std::string level = text_in(of, "level", "2") == "3" ? "3" : "2";
  html.raw("<header class=\"heading\"");
  if (const auto id = text_in(of, "id"); !id.empty()) html.attribute("id", id);
  html.raw("><h").raw(level).raw(">").text(text_in(of, "title"));
  if (const auto state = text_in(of, "state"); !state.empty()) html.raw(" ").state(state);
  html.raw("</h").raw(level).raw(">");
  html.element("p", text_in(of, "text"));
  if (const auto link = text_in(of, "link"); !link.empty() && html.may(link))
    html.link(link, text_in(of, "label", link), "button");
  html.raw("</header>");
}

void write_banner(Html& html, const PageRow& of) {
  const std::string kind = text_in(of, "kind", "info");
  html.raw("<div class=\"banner\"")
      .attribute("data-kind", kind)
      .raw(kind == "error" ? " role=\"alert\">" : " role=\"status\">")
      .element("p", text_in(of, "text"));
  if (const auto link = text_in(of, "link"); !link.empty() && html.may(link))
    html.link(link, text_in(of, "label", link));
  html.raw("</div>");
}

void write_fact(Html& html, std::string_view label, std::string_view name,
                const std::optional<std::string>& value, const std::string& link,
                const std::string& state) {
  html.raw("<div><dt>").text(label).raw("</dt><dd>");
  if (!state.empty()) {
    html.state(state);
  } else if (!value || value->empty()) {
    html.raw("—");
  } else if (!link.empty() && html.may(link)) {
    html.link(link, shown(html.locale, name, *value));
  } else {
    html.value(name, *value);
  }
  html.raw("</dd></div>");
}

void write_facts(Html& html, const PageRow& of, const std::vector<PageRow>& rows) {
  html.element("h3", text_in(of, "title"));
  html.raw("<dl class=\"facts\">");
  for (const PageRow& row : rows) {
    if (find_cell(row, "label") != nullptr) {
      write_fact(html, text_in(row, "label"), "value", *find_cell(row, "value"),
                 text_in(row, "link"), text_in(row, "state"));
      continue;
    }
    for (const auto& [name, value] : row)
      write_fact(html, label_of(html.locale, name), name, value, "", "");
  }
  html.raw("</dl>");
}

void write_cells(Html& html, const PageRow& row) {
  const std::string link = text_in(row, "link");
  bool first = true;
  for (const auto& [name, value] : row) {
    if (is_unseen(name)) continue;
    const Show show = named(name).show;
    html.raw(first ? "<th scope=\"row\"" : "<td");
    if (is_numeric(show)) {
      const bool negative = value && !value->empty() && value->front() == '-';
      html.raw(negative ? " class=\"number negative\"" : " class=\"number\"");
    }
    html.raw(">");
    if (value && !value->empty()) {
      if (first && !link.empty() && html.may(link)) {
        html.link(link, shown(html.locale, name, *value));
      } else {
        html.value(name, *value);
      }
    }
    html.raw(first ? "</th>" : "</td>");
    first = false;
  }
  if (find_cell(row, "action") == nullptr) return;
  html.raw("<td>");
  const auto action = text_in(row, "action");
  if (!action.empty() && html.may(text_in(row, "action_link")))
    html.link(text_in(row, "action_link"), action, "button small");
  html.raw("</td>");
}

void write_rows(Html& html, const std::string& title, const std::vector<std::string>& columns,
                const std::vector<PageRow>& rows) {
  html.raw(R"(<div class="scroll" tabindex="0" role="region")")
      .attribute("aria-label", title)
      .raw("><table><thead><tr>");
  for (const auto& name : columns) {
    if (is_unseen(name)) continue;
    html.raw("<th scope=\"col\"")
        .raw(is_numeric(named(name).show) ? " class=\"number\">" : ">")
        .text(label_of(html.locale, name))
        .raw("</th>");
  }
  if (std::count(columns.begin(), columns.end(), "action") > 0) html.raw("<td></td>");
  html.raw("</tr></thead><tbody>");
  for (const PageRow& row : rows) {
    html.raw(is_set(row, "answer") ? "<tr class=\"answer\">" : "<tr>");
    write_cells(html, row);
    html.raw("</tr>");
  }
  html.raw("</tbody></table></div>");
}

void write_table(Html& html, const PageRow& of, const std::vector<std::string>& columns,
                 const std::vector<PageRow>& rows, const std::string& next) {
  const std::string title = text_in(of, "title");
  html.raw("<section class=\"table\">").element("h3", title);
  if (const auto note = text_in(of, "note"); !note.empty())
    html.raw("<p class=\"muted\">").text(note).raw("</p>");
  if (rows.empty()) {
    html.raw("<p class=\"muted\">")
        .text(text_in(of, "empty", html.locale.say("page_empty")))
        .raw("</p>");
  } else {
    write_rows(html, text_in(of, "title", text_in(of, "about", html.locale.say("page_figures"))),
               columns, rows);
  }
  if (!next.empty()) {
    html.raw("<p>").link(next, html.locale.say("page_next"), "button").raw("</p>");
  }
  if (const auto link = text_in(of, "csv"); !link.empty())
    html.raw("<p>").link(link, html.locale.say("page_csv")).raw("</p>");
  html.raw("</section>");
}

// Minor units as units, with `point` between them and their parts; what is no integer, as it is.
std::string decimal_of(const Locale& locale, const std::string& value, char point) {
  const auto digits = static_cast<std::size_t>(minor_digits(locale.currency));
  if (!shown_integer(value) || digits == 0) return value;
  const bool negative = value.front() == '-';
  std::string text = negative ? value.substr(1) : value;
  if (text.size() <= digits) text.insert(0, digits + 1 - text.size(), '0');
  text.insert(text.size() - digits, 1, point);
  return negative ? "-" + text : text;
}

// A canvas for the script, which draws from the table beside it.
void write_chart(Html& html, const PageRow& of, const std::vector<std::string>& columns,
                 const std::vector<PageRow>& rows) {
  const std::string title = text_in(of, "title");
  html.raw("<figure class=\"chart\"")
      .attribute("data-chart", text_in(of, "type", "line"))
      .attribute("data-language", html.locale.language)
      .raw("><figcaption>")
      .text(title)
      .raw(R"(</figcaption><div class="canvas" hidden><canvas role="img")")
      .attribute("aria-label", title)
      .raw("></canvas></div><details><summary>")
      .say("page_figures")
      .raw(R"(</summary><div class="scroll" tabindex="0" role="region")")
      .attribute("aria-label", title)
      .raw("><table><thead><tr>");
  for (const auto& name : columns) {
    if (is_unseen(name)) continue;
    html.raw("<th scope=\"col\">").text(label_of(html.locale, name)).raw("</th>");
  }
  html.raw("</tr></thead><tbody>");
  for (const PageRow& row : rows) {
    html.raw("<tr");
    if (is_set(row, "off")) html.raw(" data-off");
    if (const auto mark = text_in(row, "mark"); !mark.empty()) html.attribute("data-mark", mark);
    html.raw(">");
    for (const auto& [name, value] : row) {
      if (is_unseen(name)) continue;
      html.raw("<td");
      if (is_numeric(named(name).show)) html.raw(" class=\"number\"");
      const bool is_money = named(name).show == Show::kMoney;
      if (value)
        html.attribute("data-value", is_money ? decimal_of(html.locale, *value, '.') : *value);
      html.raw(">");
      if (value) html.value(name, *value);
      html.raw("</td>");
    }
    html.raw("</tr>");
  }
  html.raw("</tbody></table></div></details></figure>");
}

void write_tabs(Html& html, const PageRow& of, const std::vector<PageRow>& rows) {
  html.raw("<nav class=\"tabs\"").attribute("aria-label", text_in(of, "title")).raw("><ul>");
  for (const PageRow& row : rows) {
    if (!html.may(text_in(row, "link"))) continue;
    html.raw("<li><a").attribute("href", own_link(text_in(row, "link")));
    if (is_set(row, "active")) html.raw(" aria-current=\"page\"");
    html.raw(">").text(text_in(row, "title")).raw("</a></li>");
  }
  html.raw("</ul></nav>");
}

// Of an option: its value, or what a person sees of it.
std::string word_in(const nlohmann::json& part) {
  return part.is_string() ? part.get<std::string>() : part.is_null() ? "" : part.dump();
}

class FormWriter {
 public:
  FormWriter(Html& html, const PageRow& of, const std::vector<PageRow>& rows)
      : html_(html), of_(of), rows_(rows), writes_(text_in(of, "writes")) {
    // What was sent is put into the form that it came from. Several may write by one route.
    is_given_ = !writes_.empty() && was_sent("_writes", writes_) &&
                (text_in(of, "title").empty() || was_sent("_title", text_in(of, "title")));
  }

  // Whether whoever looks may send it.
  [[nodiscard]] bool is_open() const {
    if (writes_.empty())
      return html_.may(text_in(of_, "link"), is_set(of_, "post") ? "POST" : "GET");
    const auto space = std::min(writes_.find(' '), writes_.size());
    return html_.may(std::string_view(writes_).substr(std::min(space + 1, writes_.size())),
                     std::string_view(writes_).substr(0, space));
  }

  void write() {
    const bool asks = writes_.empty();
    const bool has_file = std::any_of(rows_.begin(), rows_.end(), [](const PageRow& row) {
      return text_in(row, "type") == "file";
    });
    html_.raw("<form class=\"form\"");
    if (const auto id = text_in(of_, "id"); !id.empty()) html_.attribute("id", id);
    html_.attribute("method", asks && !is_set(of_, "post") ? "get" : "post")
        .attribute("action", asks ? own_link(text_in(of_, "link", "")) : "/do");
    if (has_file) html_.raw(" enctype=\"multipart/form-data\"");
    if (const auto columns = text_in(of_, "columns"); !columns.empty())
      html_.attribute("data-columns", columns);
    if (is_set(of_, "search")) html_.raw(" role=\"search\" data-search");
    html_.raw(">").element("h3", text_in(of_, "title"));
    if (const auto text = text_in(of_, "text"); !text.empty())
      html_.raw("<p class=\"text\">").text(text).raw("</p>");
    if (!asks) {
      for (const auto* name : {"writes", "shows", "back", "secret", "clears", "title"}) {
        if (const auto value = text_in(of_, name); !value.empty())
          hidden(std::string("_") + name, value);
      }
      hidden("_form", html_.frame.target);
    }
    for (const PageRow& row : rows_) field(row);
    // Whoever does not see the list change is told how long it is.
    if (is_set(of_, "search")) {
      html_.raw(R"(<p class="unseen" role="status")")
          .attribute("data-shown", html_.locale.say("page_shown"))
          .raw("></p>");
    }
    html_.raw("<p class=\"buttons\"><button>")
        .text(text_in(of_, "submit", html_.locale.say("page_continue")))
        .raw("</button></p></form>");
  }

 private:
  void hidden(std::string_view name, std::string_view value) {
    html_.raw("<input type=\"hidden\"").attribute("name", name).attribute("value", value).raw(">");
  }

  [[nodiscard]] bool was_sent(std::string_view name, std::string_view value) const {
    const auto& given = html_.frame.given;
    return std::any_of(given.begin(), given.end(), [&](const auto& field) {
      return field.first == name && field.second == value;
    });
  }

  std::string value_of(const PageRow& row, const std::string& name) const {
    if (is_given_) {
      for (const auto& [given, value] : html_.frame.given) {
        if (given == name) return value;
      }
    }
    const std::string value = text_in(row, "value");
    return text_in(row, "type") == "money" ? typed_money(html_.locale, value) : value;
  }

  void field(const PageRow& row) {
    const std::string name = text_in(row, "name");
    const std::string type = text_in(row, "type", "text");
    if (type == "hidden") return hidden(name, text_in(row, "value"));
    const std::string value = value_of(row, name);
    if (type == "gap") {
      html_.raw("<span></span>");
      return;
    }
    if (type == "money") hidden("_money", name);
    const bool is_box = type == "flag" || type == "unlimited";
    html_.raw(is_box ? "<p class=\"box\">" : "<p>");
    const std::string id = "field-" + std::to_string(++fields_) + "-" + std::to_string(unique());
    if (is_box) {
      html_.raw("<input type=\"checkbox\"")
          .attribute("id", id)
          .attribute("name", type == "flag" ? name : std::string("_null"))
          .attribute("value", type == "flag" ? std::string("1") : name);
      const bool is_checked = type == "unlimited" && is_given_ ? was_sent("_null", name)
                              : type == "flag" && is_given_    ? was_sent(name, "1")
                                                               : value == "1";
      if (is_checked) html_.raw(" checked");
      html_.raw("> ");
    }
    html_.raw("<label")
        .attribute("for", id)
        .raw(">")
        .text(text_in(row, "label", name))
        .raw("</label>");
    if (!is_box) input(row, id, name, type, value);
    if (const auto hint = text_in(row, "hint"); !hint.empty())
      html_.raw("<small").attribute("id", id + "-hint").raw(">").text(hint).raw("</small>");
    html_.raw("</p>");
  }

  // Ids are unique in a page: forms are told apart by where they stand in it.
  [[nodiscard]] std::size_t unique() const {
    return std::hash<std::string>{}(writes_ + text_in(of_, "title")) % 1000000;
  }

  void input(const PageRow& row, const std::string& id, const std::string& name,
             const std::string& type, const std::string& value) {
    const auto common = [&] {
      html_.attribute("id", id).attribute("name", name);
      if (is_set(row, "required")) html_.raw(" required");
      if (!text_in(row, "hint").empty()) html_.attribute("aria-describedby", id + "-hint");
    };
    if (type == "select") {
      html_.raw("<select");
      common();
      html_.raw(">");
      const auto options = nlohmann::json::parse(text_in(row, "options", "[]"), nullptr, false);
      for (const auto& option : options) {
        if (!option.is_array() || option.size() != 2) continue;
        const std::string key = word_in(option[0]);
        html_.raw("<option").attribute("value", key).raw(key == value ? " selected>" : ">");
        html_.text(word_in(option[1])).raw("</option>");
      }
      html_.raw("</select>");
      return;
    }
    if (type == "textarea") {
      html_.raw("<textarea rows=\"6\"");
      common();
      html_.raw(">\n").text(value).raw("</textarea>");
      return;
    }
    html_.raw("<input");
    common();
    if (type == "money" || type == "integer") {
      html_.attribute("inputmode", type == "money" ? "decimal" : "numeric");
    } else if (type == "day") {
      html_.attribute("type", "date");
    } else if (type == "month" || type == "password" || type == "file" || type == "search") {
      html_.attribute("type", type);
    }
    html_.attribute("autocomplete", type == "password" ? "current-password" : "off");
    if (type != "file") html_.attribute("value", value);
    html_.raw(">");
  }

  Html& html_;
  const PageRow& of_;
  const std::vector<PageRow>& rows_;
  std::string writes_;
  bool is_given_ = false;
  int fields_ = 0;
};

void write_confirm(Html& html, const PageRow& of, const std::vector<PageRow>& rows) {
  html.raw("<section class=\"confirm\">").element("p", text_in(of, "text"));
  if (rows.empty()) {
    html.raw("<p class=\"muted\">").say("page_not_changed").raw("</p>");
  } else {
    html.raw(R"(<div class="scroll" tabindex="0" role="region")")
        .attribute("aria-label", text_in(of, "text"))
        .raw("><table><thead><tr><th scope=\"col\">")
        .say("page_what")
        .raw("</th><th scope=\"col\">")
        .say("page_before")
        .raw("</th><th scope=\"col\">")
        .say("page_after")
        .raw("</th></tr></thead><tbody>");
    for (const PageRow& row : rows) {
      const std::string before = text_in(row, "before");
      const std::string after = text_in(row, "after");
      html.raw(before == after ? "<tr>" : "<tr class=\"changed\">")
          .raw("<th scope=\"row\">")
          .text(text_in(row, "label"))
          .raw("</th><td>")
          .text(before)
          .raw("</td><td>");
      if (before == after) {
        html.text(after);
      } else {
        html.raw("<strong>").text(after).raw("</strong>");
      }
      html.raw("</td></tr>");
    }
    html.raw("</tbody></table></div>");
  }
  html.raw(R"(<form class="form" method="post" action="/do" data-once>)");
  for (const auto& [name, value] : html.frame.given) {
    html.raw("<input type=\"hidden\"").attribute("name", name).attribute("value", value).raw(">");
  }
  html.raw("<p class=\"buttons\"><button>")
      .text(text_in(of, "submit", html.locale.say("page_confirm")))
      .raw("</button> ")
      .link(text_in(of, "back", "/"), html.locale.say("page_cancel"))
      .raw("</p></form></section>");
}

}  // namespace

std::string_view Locale::say(std::string_view key) const { return word_of(key, language); }

void append_html(std::string& out, std::string_view text) {
  const std::string valid = replace_invalid_utf8(text);
  for (const char c : valid) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        // HTML has no other control characters.
        out += static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
}

std::string_view own_link(std::string_view link) {
  // Browsers pass over tabs and line ends: '/', a tab and '/evil.example' is another site's.
  const bool is_plain = std::none_of(link.begin(), link.end(), is_control) &&
                        link.find('\\') == std::string_view::npos;
  const bool is_own = !link.empty() && link.front() == '/' && link.substr(0, 2) != "//";
  const bool is_query = !link.empty() && (link.front() == '?' || link.front() == '#');
  return is_plain && (is_own || is_query) ? link : std::string_view("#");
}

std::string label_of(const Locale& locale, std::string_view name) {
  return std::string(locale.say(named(name).bare));
}

std::string shown(const Locale& locale, std::string_view name, const std::string& value) {
  switch (named(name).show) {
    case Show::kMoney:
      if (const auto amount = shown_integer(value))
        return format_money(*amount, locale.currency, locale.language);
      return value;
    case Show::kDay:
      if (const auto day = parse_day(value)) return format_short_day(*day, locale.language);
      return value;
    case Show::kTime:
      if (const auto at = parse_instant(value)) {
        const auto wall = locale.zone != nullptr ? locale.zone->to_local(*at)
                                                 : date::local_seconds(at->time_since_epoch());
        return format_short_time(wall, locale.language);
      }
      return value;
    case Show::kWord:
      return std::string(locale.say(value));
    case Show::kState:
      return std::string(locale.say(value == "held" ? "held_state" : value));
    case Show::kFlag:
      return std::string(locale.say(value == "1" ? "page_yes" : "page_no"));
    case Show::kNumber:
    case Show::kText:
      return value;
  }
  return value;
}

std::string typed_money(const Locale& locale, const std::string& value) {
  return decimal_of(locale, value, locale.language == "ru" ? ',' : '.');
}

void Page::columns(const std::vector<std::string>& names) {
  columns_ = names;
  if (!names.empty() && names.front() != "component" && open_ && open_->columns.empty())
    open_->columns = names;
}

void Page::row(PageRow row) {
  if (!row.empty() && row.front().first == "component") {
    close();
    open_.emplace();
    open_->component = row.front().second.value_or("");
    open_->properties = std::move(row);
    return;
  }
  if (open_) open_->rows.push_back(std::move(row));
}

void Page::close() {
  if (!open_) return;
  Open open = *std::exchange(open_, std::nullopt);
  Html html(main_, locale_, frame_);
  const std::string& component = open.component;
  if (component == "shell") {
    title_ = text_in(open.properties, "title");
    place_ = text_in(open.properties, "place");
    bare_ = is_set(open.properties, "bare");
  } else if (component == "heading") {
    drop_empty_heading();
    heading_ = main_.size();
    write_heading(html, open.properties);
    const bool leads_on = !text_in(open.properties, "link").empty();
    below_heading_ = leads_on ? std::string::npos : main_.size();
  } else if (component == "text") {
    html.raw(text_in(open.properties, "kind") == "muted" ? "<p class=\"muted\">" : "<p>")
        .text(text_in(open.properties, "text"))
        .raw("</p>");
  } else if (component == "banner") {
    write_banner(html, open.properties);
  } else if (component == "facts") {
    write_facts(html, open.properties, open.rows);
  } else if (component == "table") {
    write_table(html, open.properties, open.columns, open.rows, std::exchange(next_, {}));
  } else if (component == "tabs") {
    write_tabs(html, open.properties, open.rows);
  } else if (component == "form") {
    FormWriter form(html, open.properties, open.rows);
    if (form.is_open()) {
      form.write();
    } else {
      left_out_ = true;
    }
  } else if (component == "chart") {
    write_chart(html, open.properties, open.columns, open.rows);
  } else if (component == "confirm") {
    write_confirm(html, open.properties, open.rows);
  } else {
    throw Error(ErrorCode::kInternal, "a page has no component " + component);
  }
}

// Of forms that are all left out no heading remains.
void Page::drop_empty_heading() {
  if (left_out_ && main_.size() == below_heading_) main_.resize(heading_);
  left_out_ = false;
}

std::string Page::html() {
  close();
  drop_empty_heading();
  std::string text;
  Html html(text, locale_, frame_);
  html.raw("<!DOCTYPE html><html")
      .attribute("lang", locale_.language)
      .raw(
          "><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width, initial-scale=1\"><title>")
      .text(title_.empty() ? "Saldo" : title_ + " · Saldo")
      .raw("</title><link rel=\"stylesheet\"")
      .attribute("href", asset_path("style.css"))
      .raw("><link rel=\"icon\"")
      .attribute("href", asset_path("icon.svg"))
      .raw("><script defer")
      .attribute("src", asset_path("page.js"))
      .attribute("data-chart", asset_path("chart.js"))
      .raw(R"(></script></head><body><a class="skip" href="#content">)")
      .say("page_skip")
      .raw("</a>");
  if (!bare_ && !frame_.who.empty()) {
    html.raw("<header class=\"top\"><nav").attribute("aria-label", locale_.say("page_close_menu"));
    html.raw("><ul>");
    for (const auto& entry : frame_.menu) {
      html.raw("<li><a").attribute("href", entry.path);
      // What lies below an entry, such as a form's preview, is in its place, too.
      const bool is_here =
          entry.path == place_ ||
          (entry.path != "/" && place_.substr(0, entry.path.size() + 1) == entry.path + "/");
      if (is_here) html.raw(" aria-current=\"page\"");
      html.raw(">").text(entry.label).raw("</a></li>");
    }
    html.raw(R"(</ul></nav><form method="post" action="/sign-out"><span class="who">)")
        .text(frame_.who)
        .raw("</span><button class=\"plain\">")
        .say("page_sign_out")
        .raw("</button></form></header>");
  }
  html.raw(R"(<main id="content" tabindex="-1">)").element("h1", title_);
  if (!frame_.notice.empty()) {
    html.raw(R"(<div class="banner" data-kind="good" role="status"><p>)")
        .text(frame_.notice)
        .raw("</p></div>");
  }
  if (!frame_.problem.empty()) {
    html.raw(R"(<div class="banner" data-kind="error" role="alert"><p>)")
        .text(frame_.problem)
        .raw("</p></div>");
  }
  html.raw(main_).raw("</main></body></html>\n");
  return text;
}

void FactSheet::row(const PageRow& row) {
  if (!row.empty() && row.front().first == "component") {
    in_facts_ = row.front().second == "facts";
    return;
  }
  if (!in_facts_) return;
  if (find_cell(row, "label") != nullptr) {
    const auto state = text_in(row, "state");
    if (find_cell(row, "before") != nullptr)
      before_.emplace_back(text_in(row, "label"), text_in(row, "before"));
    facts_.emplace_back(text_in(row, "label"),
                        state.empty() ? text_in(row, "value") : shown(locale_, "state", state));
    return;
  }
  for (const auto& [name, value] : row)
    facts_.emplace_back(label_of(locale_, name), value ? shown(locale_, name, *value) : "");
}

void FormSheet::row(const PageRow& row) {
  if (!row.empty() && row.front().first == "component") {
    in_form_ = row.front().second == "form" && text_in(row, "writes") == writes_ &&
               text_in(row, "title") == title_;
    return;
  }
  const auto type = text_in(row, "type");
  if (in_form_ && type != "hidden" && type != "file" && type != "password") fields_.push_back(row);
}

const PageRow* FormSheet::find(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const PageRow& field) {
    return text_in(field, "name") == name;
  });
  return found == fields_.end() ? nullptr : &*found;
}

std::string FormSheet::label(std::string_view name) const {
  const PageRow* field = find(name);
  return field == nullptr ? std::string() : text_in(*field, "label", name);
}

std::string FormSheet::value(const Locale& locale, std::string_view name,
                             const std::string& value) const {
  const PageRow* field = find(name);
  const std::string type = field == nullptr ? "" : text_in(*field, "type");
  if (type == "day") return shown(locale, "day", value);
  if (type != "select") return value;
  const auto options = nlohmann::json::parse(text_in(*field, "options", "[]"), nullptr, false);
  for (const auto& option : options) {
    if (option.is_array() && option.size() == 2 && word_in(option[0]) == value)
      return word_in(option[1]);
  }
  return value;
}

}  // namespace saldo::server
