// Runs the *.test files of a folder: SQL with the answers expected, one database file each.
//
// The folder is the environment variable SALDO_TEST_DIR, or else the macro of that name. A file is
// a series of blocks that a blank line ends; `# …` between blocks is a comment.
//
//   statement ok              the SQL statements that follow must work
//   statement error PREFIX    each of them must fail by itself, with a message that begins so, and
//                             leave the database as it was; `*` in it stands for any text, and
//                             `*` alone for any code of Saldo's, `**` for any error
//   query                     one statement, a line `----`, its rows in order: columns joined by
//                             `|`, NULL for null, (empty) for the empty text
//   query error PREFIX        as `statement error`
//   plan TEXT                 EXPLAIN QUERY PLAN of the statement contains the text
//   plan not TEXT             … does not
//   plan differs              two statements separated by `====` have different plans
//   same                      two statements separated by `====` have the same rows, at least one;
//                             `same unordered`: in any order; `same empty`: none will do
//   close through DAY         closes each day from the open one to DAY, each at its end
//   connection NAME           goes on in that connection, opened if new; the first is `main`
//   readonly NAME             opens a connection that cannot write, and goes on in it
//   without extension NAME    opens a connection that has not loaded Saldo, and goes on in it
//   load again                loads the extension into the current connection once more
//   foreign_keys, trusted_schema, recursive_triggers on|off     the pragma, in this connection
//   foreach NAME VALUE …      repeats the blocks up to `endloop`, with ${NAME} replaced
//   unaudited                 skips the audits at the end of the file
//   allow CHECK               lets that one audit have rows at the end of the file
//
// A message that is expected to begin with a code of Saldo's must have the form `code: sentence`.
// At the end of every file the database must pass integrity_check and foreign_key_check in a
// connection without the extension, and, where a day was closed, every audit must be empty.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "connection.h"

namespace saldo_test {
namespace {

struct Line {
  int number = 0;
  std::string text;
};

// A directive and the lines under it, up to the blank one.
struct Block {
  int number = 0;
  std::string directive;
  std::string first;   // the lines before the separator
  std::string second;  // those after it
  bool separated = false;
  std::vector<std::string> rows;  // `second`, line by line
};

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string joined(const std::vector<std::string>& rows) {
  std::string text;
  for (const std::string& row : rows) text += "    " + row + '\n';
  return rows.empty() ? "    (no rows)\n" : text;
}

// Whether `text` begins with `pattern`, in which `*` stands for any text.
bool begins_like(const std::string& text, const std::string& pattern) {
  std::size_t at = 0;
  std::size_t from = 0;
  for (bool first = true; from <= pattern.size(); first = false) {
    const auto star = std::min(pattern.find('*', from), pattern.size());
    const std::string part = trimmed(pattern.substr(from, star - from));
    const auto found =
        first ? (starts_with(text, part) ? 0 : std::string::npos) : text.find(part, at);
    if (found == std::string::npos) return false;
    at = found + part.size();
    from = star + 1;
  }
  return true;
}

std::vector<Line> read_lines(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<Line> lines;
  for (std::string text; std::getline(file, text);) {
    lines.push_back({static_cast<int>(lines.size()) + 1, trimmed(text)});
  }
  return lines;
}

// Unrolls `foreach … endloop`, the inner ones first to last.
std::vector<Line> unrolled(const std::vector<Line>& lines) {
  std::vector<Line> result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!starts_with(lines[i].text, "foreach ")) {
      result.push_back(lines[i]);
      continue;
    }
    int depth = 1;
    std::size_t end = i + 1;
    for (; end < lines.size(); ++end) {
      if (starts_with(lines[end].text, "foreach ")) ++depth;
      if (lines[end].text == "endloop" && --depth == 0) break;
    }
    if (end == lines.size()) {
      throw std::runtime_error("line " + std::to_string(lines[i].number) + ": no endloop");
    }
    std::istringstream words(lines[i].text.substr(8));
    std::string name;
    words >> name;
    for (std::string value; words >> value;) {
      std::vector<Line> body(lines.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                             lines.begin() + static_cast<std::ptrdiff_t>(end));
      for (Line& line : body) line.text = replaced(line.text, "${" + name + "}", value);
      const std::vector<Line> inner = unrolled(body);
      result.insert(result.end(), inner.begin(), inner.end());
      result.push_back({lines[end].number, ""});
    }
    i = end;
  }
  return result;
}

std::vector<Block> read_blocks(const std::vector<Line>& lines) {
  std::vector<Block> blocks;
  bool open = false;
  for (const Line& line : lines) {
    if (line.text.empty()) {
      open = false;
    } else if (!open) {
      if (line.text[0] == '#') continue;
      blocks.push_back({});
      blocks.back().number = line.number;
      blocks.back().directive = line.text;
      open = true;
    } else if (!blocks.back().separated && (line.text == "----" || line.text == "====")) {
      blocks.back().separated = true;
    } else if (blocks.back().separated) {
      blocks.back().second += line.text + '\n';
      blocks.back().rows.push_back(line.text);
    } else {
      blocks.back().first += line.text + '\n';
    }
  }
  return blocks;
}

// The rest of the directive after `prefix`, if it begins so.
bool after(const std::string& directive, const std::string& prefix, std::string* rest) {
  if (directive != prefix && !starts_with(directive, prefix + " ")) return false;
  *rest = trimmed(directive.substr(prefix.size()));
  return true;
}

// The rows in which two answers differ, the first few of them.
std::string difference(const std::vector<std::string>& first,
                       const std::vector<std::string>& second) {
  constexpr std::size_t kRowsShownMax = 8;
  std::string text;
  std::size_t different = 0;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    const std::string a = i < first.size() ? first[i] : "(end)";
    const std::string b = i < second.size() ? second[i] : "(end)";
    if (a == b || ++different > kRowsShownMax) continue;
    text.append("    row ").append(std::to_string(i + 1));
    text.append("\n      first:  ").append(a).append("\n      second: ").append(b).append("\n");
  }
  return std::to_string(first.size()) + " rows and " + std::to_string(second.size()) + ", " +
         std::to_string(different) + " different:\n" + text;
}

// The first line in which two texts differ.
std::string difference(const std::string& before, const std::string& now) {
  std::istringstream before_lines(before);
  std::istringstream now_lines(now);
  std::string a;
  std::string b;
  while (true) {
    const bool more_before = static_cast<bool>(std::getline(before_lines, a));
    const bool more_now = static_cast<bool>(std::getline(now_lines, b));
    if (!more_before && !more_now) return "none";
    if (!more_before || !more_now || a != b) {
      return "before: " + (more_before ? a : "(end)") + "\n    now: " + (more_now ? b : "(end)");
    }
  }
}

class Script {
 public:
  explicit Script(std::string path) : path_(std::move(path)), database_(folder_.file("saldo.db")) {
    open("main", Extension::kLoaded, Access::kReadWrite);
  }

  void file() {
    for (const Block& block : read_blocks(unrolled(read_lines(path_)))) {
      line_ = block.number;
      run(block);
    }
    line_ = 0;
    close_connections();
    check_database();
  }

 private:
  void open(const std::string& name, Extension extension, Access access) {
    connections_[name] = std::make_unique<Connection>(database_, extension, access);
    current_ = connections_[name].get();
  }

  void fail(const std::string& what, const std::string& sql) {
    ADD_FAILURE_AT(path_.c_str(), line_) << what << "\n  SQL: " << sql;
  }

  void run(const Block& block) {
    std::string rest;
    if (block.directive == "statement ok") return statement_ok(block);
    if (after(block.directive, "statement error", &rest)) return statement_error(block, rest);
    if (after(block.directive, "query error", &rest)) return statement_error(block, rest);
    if (block.directive == "query") return query(block);
    if (block.directive == "plan differs") return plan_differs(block);
    if (after(block.directive, "plan not", &rest)) return plan(block, rest, false);
    if (after(block.directive, "plan", &rest)) return plan(block, rest, true);
    if (after(block.directive, "same", &rest)) return same(block, rest);
    if (!block.first.empty())
      return fail("lines where none belong, or an unknown directive", block.directive);
    if (after(block.directive, "close through", &rest)) return close_through(rest);
    if (after(block.directive, "connection", &rest)) {
      if (connections_.count(rest) == 0) return open(rest, Extension::kLoaded, Access::kReadWrite);
      current_ = connections_[rest].get();
      return;
    }
    if (after(block.directive, "readonly", &rest)) {
      return open(rest, Extension::kLoaded, Access::kReadOnly);
    }
    if (after(block.directive, "without extension", &rest)) {
      return open(rest, Extension::kAbsent, Access::kReadWrite);
    }
    if (block.directive == "load again") return current_->load();
    for (const char* pragma : {"foreign_keys", "trusted_schema", "recursive_triggers"}) {
      if (after(block.directive, pragma, &rest)) {
        if (rest != "on" && rest != "off") return fail("on or off", block.directive);
        current_->must(std::string("PRAGMA ") + pragma + " = " + rest);
        return;
      }
    }
    if (block.directive == "unaudited") {
      audited_ = false;
      return;
    }
    if (after(block.directive, "allow", &rest)) {
      allowed_.insert(rest);
      return;
    }
    fail("unknown directive", block.directive);
  }

  void statement_ok(const Block& block) {
    if (block.first.empty()) return fail("no SQL", block.directive);
    const Outcome outcome = current_->run(block.first);
    if (!outcome.ok()) fail("expected: ok\n  actual: " + outcome.message, block.first);
  }

  void statement_error(const Block& block, const std::string& prefix) {
    static const std::string kCodes =
        "(invalid|out_of_range|not_found|conflict|day_closed|day_not_ended|promise_refused|"
        "append_only)";
    static const std::regex kCoded("^" + kCodes + "\\b.*");
    static const std::regex kForm("^" + kCodes + ": [^]+");
    if (prefix.empty() || block.first.empty()) return fail("no message or no SQL", block.directive);
    int statements = 0;
    for (std::string_view rest = block.first; !rest.empty();) {
      const std::string_view begin = rest;
      const std::string before = current_->contents();
      const Outcome outcome = current_->run_first(begin, &rest);
      const std::string sql = trimmed(std::string(begin.substr(0, begin.size() - rest.size())));
      if (outcome.nothing) continue;
      ++statements;
      if (outcome.ok()) {
        fail("expected: error " + prefix + "\n  actual: ok\n" + joined(outcome.rows), sql);
        continue;
      }
      const bool shaped = (prefix != "*" && !std::regex_match(prefix, kCoded)) ||
                          std::regex_match(outcome.message, kForm);
      if (!begins_like(outcome.message, prefix) || !shaped) {
        fail("expected: error " + prefix + "\n  actual: " + outcome.message, sql);
      }
      const std::string now = current_->contents();
      if (now != before) {
        fail("an error that changed the database:\n    " + difference(before, now), sql);
      }
    }
    if (statements == 0) fail("no SQL", block.directive);
  }

  void query(const Block& block) {
    if (!block.separated) return fail("no ---- line", block.first);
    const Outcome outcome = current_->run(block.first);
    if (!outcome.ok()) {
      return fail("expected: rows\n  actual: error " + outcome.message, block.first);
    }
    if (outcome.rows != block.rows) {
      fail("expected:\n" + joined(block.rows) + "  actual:\n" + joined(outcome.rows), block.first);
    }
  }

  // The lines of EXPLAIN QUERY PLAN; none after an error, which is reported.
  std::vector<std::string> plan_of(const std::string& sql) {
    const Outcome outcome = current_->run("EXPLAIN QUERY PLAN " + sql);
    if (!outcome.ok()) fail("expected: a plan\n  actual: error " + outcome.message, sql);
    std::vector<std::string> lines;
    for (const std::string& row : outcome.rows) {
      std::string text = row;  // id|parent|notused|detail
      for (int i = 0; i < 3; ++i) text.erase(0, text.find('|') + 1);
      lines.push_back(text);
    }
    return lines;
  }

  void plan(const Block& block, const std::string& text, bool wanted) {
    const std::string lines = joined(plan_of(block.first));
    if ((lines.find(text) != std::string::npos) != wanted) {
      fail(std::string("expected a plan with") + (wanted ? " " : "out ") + text + "\n  actual:\n" +
               lines,
           block.first);
    }
  }

  void plan_differs(const Block& block) {
    const std::string first = joined(plan_of(block.first));
    const std::string second = joined(plan_of(block.second));
    if (first == second) fail("the same plan twice:\n" + first, block.first);
  }

  void same(const Block& block, const std::string& how) {
    if (!how.empty() && how != "empty" && how != "unordered") fail("same how?", block.directive);
    Outcome first = current_->run(block.first);
    Outcome second = current_->run(block.second);
    if (!first.ok()) return fail("actual: error " + first.message, block.first);
    if (!second.ok()) return fail("actual: error " + second.message, block.second);
    if (how == "unordered") {
      std::sort(first.rows.begin(), first.rows.end());
      std::sort(second.rows.begin(), second.rows.end());
    }
    if (first.rows != second.rows) {
      fail(difference(first.rows, second.rows), block.first + "====\n" + block.second);
    } else if (first.rows.empty() && how != "empty") {
      fail("both gave no rows", block.first);
    }
  }

  void close_through(const std::string& day) {
    const std::string open_day =
        "(SELECT coalesce((SELECT date(max(day), '+1 day') FROM day_close), "
        "(SELECT min(valid_from) FROM policy)))";
    while (true) {
      const std::string open = current_->must("SELECT " + open_day).at(0);
      if (open > day) return;
      std::string sql = "INSERT INTO day_close(day, closed_at) SELECT d, day_end(d) FROM ";
      sql.append("(SELECT '").append(open).append("' AS d)");
      const Outcome outcome = current_->run(sql);
      if (!outcome.ok()) return fail("actual: error " + outcome.message, "closing " + open);
    }
  }

  void close_connections() {
    for (const auto& [name, connection] : connections_) {
      if (connection->close() != SQLITE_OK) fail("connection " + name + " stays busy", "close");
    }
    connections_.clear();
    current_ = nullptr;
  }

  void expect_rows(Connection& connection, const std::string& sql,
                   const std::vector<std::string>& rows) {
    const Outcome outcome = connection.run(sql);
    if (!outcome.ok()) return fail("at the end: error " + outcome.message, sql);
    if (outcome.rows != rows) fail("at the end:\n" + joined(outcome.rows), sql);
  }

  void check_database() {
    Connection plain(database_, Extension::kAbsent);
    expect_rows(plain, "PRAGMA integrity_check", {"ok"});
    expect_rows(plain, "PRAGMA foreign_key_check", {});
    const bool installed = plain.must(
                               "SELECT count(*) FROM sqlite_schema WHERE name = 'day_close' "
                               "AND type = 'table'")[0] == "1";
    if (!audited_ || !installed) return;
    if (plain.must("SELECT count(*) FROM day_close")[0] == "0") return;
    Connection connection(database_, Extension::kLoaded);
    const Outcome outcome =
        connection.run("SELECT check_name, violations FROM audit WHERE violations <> 0");
    if (!outcome.ok()) return fail("at the end: error " + outcome.message, "audit");
    for (const std::string& row : outcome.rows) {
      if (allowed_.count(row.substr(0, row.find('|'))) == 0) fail("at the end: " + row, "audit");
    }
    expect_rows(connection,
                "SELECT count(*) FROM audit WHERE check_name IN ('audit_charge', 'audit_balance', "
                "'audit_day_gap', 'audit_promised_payment', 'audit_digest', 'audit_schema', "
                "'audit_unpriced')",
                {"7"});
  }

  TemporaryFolder folder_;
  std::string path_;
  std::string database_;
  std::map<std::string, std::unique_ptr<Connection>> connections_;
  Connection* current_ = nullptr;
  int line_ = 0;
  bool audited_ = true;
  std::set<std::string> allowed_;
};

std::vector<std::string> test_files() {
  const char* folder = std::getenv("SALDO_TEST_DIR");
#ifdef SALDO_TEST_DIR
  if (folder == nullptr) folder = SALDO_TEST_DIR;
#endif
  std::vector<std::string> files;
  if (folder == nullptr || !std::filesystem::is_directory(folder)) return files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Without a folder, or with an empty one, there would be nothing to fail.
TEST(SqlFiles, are_found) { EXPECT_FALSE(test_files().empty()) << "SALDO_TEST_DIR"; }

class SqlTest : public testing::TestWithParam<std::string> {};

TEST_P(SqlTest, gives_the_expected_answers) {
  try {
    Script(GetParam()).file();
  } catch (const std::exception& error) {
    ADD_FAILURE_AT(GetParam().c_str(), 0) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Files, SqlTest, testing::ValuesIn(test_files()),
                         [](const testing::TestParamInfo<std::string>& file) {
                           return std::filesystem::path(file.param).stem().string();
                         });

}  // namespace
}  // namespace saldo_test
