// What the table functions push down changes no answer: a query over them gives what the same query
// gives over plain tables, filled once with all their rows.
//
// Conditions on `day` and `at` act like arguments (3.3). So each query has a window: conditions on
// them that hold of all its rows, and that lie within the rows of the plain tables. A query bounded
// on one side, or not at all, answers up to the open day; over the plain tables that bound is
// added.
#include <algorithm>

#include "fuzz.h"

namespace saldo_fuzz {
namespace {

constexpr const char* kHorizon = "2026-04-30";
constexpr const char* kInstants[] = {
    "2026-03-02T09:00:00Z", "2026-03-04T10:00:00Z", "2026-03-11T20:59:59Z", "2026-03-11T21:00:00Z",
    "2026-03-12T12:00:00Z", "2026-03-14T21:00:00Z", "2026-03-20T09:00:00Z", "2026-04-20T09:00:00Z"};
constexpr const char* kOperators[] = {"=", "<", "<=", ">", ">=", "IS", "<>", "LIKE", "IS NOT"};

// A table function, and the plain table of the rows that a window is about.
struct Source {
  std::string name;
  std::string plain;
  std::vector<std::string> columns;
  bool by_instant = false;
};

// A query in two forms.
struct Query {
  std::string pushed;
  std::string plain;
  Query& operator+=(const std::string& both) {
    pushed += both;
    plain += both;
    return *this;
  }
};

class Books {
 public:
  Books() : connection_(":memory:", Extension::kLoaded), limit_(connection_.handle()) {
    limit_.allow(10'000'000);
    make_books(connection_);
    std::string instants;
    for (const char* instant : kInstants)
      instants += (instants.empty() ? "'" : ", '") + std::string(instant) + "'";
    const std::string days =
        " WHERE day BETWEEN '" + std::string(kOpeningDay) + "' AND '" + kHorizon + "'";
    add({"daily_charge", "plain_charge", {}}, days);
    add({"access_state", "plain_day", {}}, days);
    add({"access_state", "plain_at", {}, true}, " WHERE at IN (" + instants + ")");
    add({"working_calendar", "plain_calendar", {}}, days);
    add({"unpriced_charge", "plain_unpriced", {}}, days);
  }

  void run(Bytes& bytes) {
    odd_ = false;
    const Source source = pick(bytes, sources_);
    Query from;
    Query where;
    where += " WHERE 1";
    const int shape = bytes.ConsumeIntegralInRange(0, 6);
    switch (shape) {
      case 0:
      case 1:
        from = named(source, "t");
        where = conditions(bytes, source, "t", " WHERE 1");
        break;
      case 2:
        from += "account AS a JOIN ";
        append(from, named(source, "t"));
        from += has(source, "account_id") ? " USING (account_id)" : " ON a.registered_on = t.day";
        where = conditions(bytes, source, "t", " WHERE 1", has(source, "account_id"));
        if (bytes.ConsumeBool()) where += " AND a.account_id " + comparison(bytes);
        break;
      case 3: {
        // A join with several values: SQLite calls xFilter anew for each of them.
        from += "(VALUES (" + value(bytes, source) + "), (" + value(bytes, source) + "), (" +
                value(bytes, source) + ")) AS v ";
        from += bytes.ConsumeBool() ? "LEFT JOIN " : "JOIN ";
        append(from, named(source, "t"));
        append(from, conditions(bytes, source, "t", " ON 1", false));
        from += " AND t." + joinable(bytes, source) + " " + pick(bytes, kOperators) + " v.column1";
        break;
      }
      case 4: {
        // Two table functions, each of which could lead.
        const Source other = pick(bytes, sources_);
        from = named(source, "t");
        from += " JOIN ";
        append(from, named(other, "u"));
        from += " ON t.day = u.day";
        if (has(source, "account_id") && has(other, "account_id"))
          from += " AND t.account_id = u.account_id";
        where = conditions(bytes, source, "t", " WHERE 1", false);
        append(where, conditions(bytes, other, "u", "", false));
        break;
      }
      case 5:
        odd_ = true;  // a name is no day
        from = named(source, "t");
        where = conditions(bytes, source, "t", " WHERE 1", false);
        where += " AND t." + pick(bytes, source.columns) + " IN (SELECT " +
                 pick(bytes, kOfAccounts) + " FROM account)";
        break;
      default:
        from += "account AS t";
        where += " AND EXISTS (SELECT 1 FROM ";
        append(where, named(source, "s"));
        append(where, conditions(bytes, source, "s", " WHERE 1"));
        where += has(source, "account_id") ? " AND s.account_id = t.account_id)"
                                           : " AND s.day >= t.registered_on)";
    }
    compare(bytes, shape == 6 ? kAccount : source, from, where);
  }

 private:
  static constexpr const char* kOfAccounts[] = {"account_id", "registered_on", "trial_ends_on",
                                                "name"};
  const Source kAccount{
      "account", "account", {"account_id", "registered_on", "name", "trial_ends_on"}};

  static void append(Query& to, const Query& more) {
    to.pushed += more.pushed;
    to.plain += more.plain;
  }
  static bool has(const Source& source, const char* column) {
    return std::find(source.columns.begin(), source.columns.end(), column) != source.columns.end();
  }
  static Query named(const Source& source, const std::string& alias) {
    return {source.name + " AS " + alias, source.plain + " AS " + alias};
  }

  void add(Source source, const std::string& window) {
    std::string columns;
    for (const auto& row : connection_.must("SELECT name || ' ' || type FROM pragma_table_info('" +
                                            source.name + "')"))
      columns += (columns.empty() ? "" : ", ") + row;
    source.columns = connection_.must("SELECT name FROM pragma_table_info('" + source.name + "')");
    connection_.must("CREATE TEMP TABLE " + source.plain + "(" + columns + "); INSERT INTO " +
                     source.plain + " SELECT * FROM " + source.name + window);
    if (connection_.must("SELECT count(*) FROM " + source.plain)[0] == "0" &&
        source.name != "unpriced_charge")
      found(source.plain + " is empty");
    sources_.push_back(source);
  }

  std::string day_until_horizon(Bytes& bytes) {
    const auto opening = *saldo::parse_day(kOpeningDay);
    return quote(saldo::format_day(opening + saldo::days{bytes.ConsumeIntegralInRange(0, 59)}));
  }

  std::string any(Bytes& bytes) {
    odd_ = true;
    return literal(bytes);
  }

  // Of the account, the day and so on of some row, or anything.
  std::string value(Bytes& bytes, const Source& source) {
    odd_ = true;  // also a number: IN compares it as a text
    switch (bytes.ConsumeIntegralInRange(0, 4)) {
      case 0:
        return std::to_string(bytes.ConsumeIntegralInRange(0, 13));
      case 1:
        return source.by_instant ? quote(pick(bytes, kInstants)) : day_until_horizon(bytes);
      case 2:
        return quote(pick(bytes, kWords));
      default:
        return any(bytes);
    }
  }

  // The columns of a source on which a join may depend without leaving its window.
  static std::string joinable(Bytes& bytes, const Source& source) {
    std::vector<std::string> columns = source.columns;
    if (!source.by_instant)
      columns.erase(std::remove(columns.begin(), columns.end(), "at"), columns.end());
    return pick(bytes, columns);
  }

  std::string comparison(Bytes& bytes) {
    switch (bytes.ConsumeIntegralInRange(0, 4)) {
      case 0:
        return "IN (" + any(bytes) + ", " + any(bytes) + ", " +
               std::to_string(bytes.ConsumeIntegralInRange(1, 13)) + ")";
      case 1:
        return "BETWEEN " + any(bytes) + " AND " + any(bytes);
      case 2:
        return bytes.ConsumeBool() ? "IS NULL" : "IS NOT NULL";
      default:
        return std::string(pick(bytes, kOperators)) + " " + any(bytes);
    }
  }

  std::string term(Bytes& bytes, const Source& source, const std::string& alias, bool days) {
    std::vector<std::string> columns = source.columns;
    const auto drop = [&](const char* name) {
      columns.erase(std::remove(columns.begin(), columns.end(), name), columns.end());
    };
    if (!source.by_instant) drop("at");
    if (!days) drop("day");
    const std::string column = alias + "." +
                               columns[bytes.ConsumeIntegralInRange<std::size_t>(
                                   0, std::min<std::size_t>(columns.size() - 1, 4))];
    std::string sql = bytes.ConsumeIntegralInRange(0, 7) == 0 ? "+" + column : column;
    if (bytes.ConsumeIntegralInRange(0, 7) == 0)
      sql += bytes.ConsumeBool() ? " COLLATE NOCASE" : " COLLATE RTRIM";
    switch (bytes.ConsumeIntegralInRange(0, 3)) {
      case 0:
        return sql + " " + pick(bytes, kOperators) + " " + value(bytes, source);
      case 1:
        return sql + " IN (" + value(bytes, source) + ", " + value(bytes, source) + ")";
      default:
        return sql + " " + comparison(bytes);
    }
  }

  // A window and further terms; `intro` begins them. Where the query bounds the day otherwise as
  // well, the window is not to be open-ended.
  Query conditions(Bytes& bytes, const Source& source, const std::string& alias,
                   const std::string& intro, bool open_ended = true) {
    Query query{intro, intro};
    bool bounded = true;
    const std::string day = " AND " + alias + ".day ";
    if (source.by_instant) {
      const std::string at = " AND " + alias + ".at ";
      if (bytes.ConsumeBool()) {
        query += at + "= " + quote(pick(bytes, kInstants));
      } else {
        query += at + "IN (" + quote(pick(bytes, kInstants)) + ", " +
                 quote(pick(bytes, kInstants)) + ", " + quote(pick(bytes, kInstants)) + ")";
      }
    } else {
      const std::string one = day_until_horizon(bytes);
      const std::string two = day_until_horizon(bytes);
      const int window = bytes.ConsumeIntegralInRange(0, open_ended ? 8 : 6);
      // Neither bound: access_state would answer for the clock's now.
      const bool now = source.name == "access_state";
      switch (window) {
        case 0:
          query += day + "= " + one;
          break;
        case 1:
          query += day + "IN (" + one + ", " + two + ", " + day_until_horizon(bytes) + ")";
          break;
        case 2:
          query += day + "BETWEEN " + one + " AND " + two;
          break;
        case 3:
          query += day + "> " + one + day + "< " + two;
          break;
        case 4:
          query += day + "<= " + one;
          break;
        case 5:
          query += day + "< " + one;
          break;
        case 6:
          query += day + ">= " + one + day + "<= " + two + day + "< " + day_until_horizon(bytes);
          break;
        default:
          bounded = false;
          if (window == 7 || now) query += day + (bytes.ConsumeBool() ? "> " : ">= ") + one;
          query.plain += day + "<= '" + kOpenDay + "'";
      }
    }
    // working_calendar answers for days before the opening too; the plain table has none of them.
    if (source.name == "working_calendar" && bounded) query += day + ">= '" + kOpeningDay + "'";
    for (int left = bytes.ConsumeIntegralInRange(0, 3); left > 0; --left) {
      switch (bytes.ConsumeIntegralInRange(0, 4)) {
        case 0:
          query += " AND (" + term(bytes, source, alias, bounded) + " OR " +
                   term(bytes, source, alias, bounded) + ")";
          break;
        case 1:
          query += " AND (" + term(bytes, source, alias, bounded) + " AND " +
                   term(bytes, source, alias, bounded) + " OR " +
                   term(bytes, source, alias, bounded) + ")";
          break;
        case 2:
          query += " AND NOT (" + term(bytes, source, alias, bounded) + ")";
          break;
        default:
          query += " AND " + term(bytes, source, alias, bounded);
      }
    }
    return query;
  }

  // What is selected, in which order, how much of it: ORDER BY's columns come first in a row, up to
  // '#'.
  void compare(Bytes& bytes, const Source& source, const Query& from, const Query& where) {
    std::string columns = "t." + pick(bytes, source.columns);
    for (int left = bytes.ConsumeIntegralInRange(0, 4); left > 0; --left)
      columns += ", t." + pick(bytes, source.columns);
    if (bytes.ConsumeIntegralInRange(0, 3) == 0) columns = "t.*";
    std::string order;
    for (int left = bytes.ConsumeIntegralInRange(0, 3); left > 0; --left) {
      const std::string column = source.columns[bytes.ConsumeIntegralInRange<std::size_t>(
          0, std::min<std::size_t>(source.columns.size() - 1, 3))];
      order += (order.empty() ? "t." : ", t.") + column +
               (bytes.ConsumeIntegralInRange(0, 3) == 0 ? " DESC" : "");
    }
    std::string keys = order;
    for (auto at = keys.find(" DESC"); at != std::string::npos; at = keys.find(" DESC"))
      keys.erase(at, 5);
    Query query;
    bool cut = false;
    switch (bytes.ConsumeIntegralInRange(0, 5)) {
      case 0:
        query += "SELECT count(*), min(t.day), max(t.day) FROM ";
        if (!has(source, "day")) query = {"SELECT count(*) FROM ", "SELECT count(*) FROM "};
        order.clear();
        break;
      case 1:
        query += "SELECT DISTINCT " + (keys.empty() ? columns : keys) + ", '#' FROM ";
        break;
      default:
        query += "SELECT " + (keys.empty() ? "" : keys + ", ") + "'#', " + columns + " FROM ";
        cut = true;
    }
    append(query, from);
    append(query, where);
    if (!order.empty()) query += " ORDER BY " + order;
    const bool limited = cut && bytes.ConsumeIntegralInRange(0, 2) == 0;
    if (limited)
      query += " LIMIT " + std::to_string(bytes.ConsumeIntegralInRange(-1, 9)) + " OFFSET " +
               std::to_string(bytes.ConsumeIntegralInRange(-1, 5));
    judge(query, !order.empty(), limited);
  }

  void judge(const Query& query, bool ordered, bool limited) {
    bool by_branches = false;
    for (const auto& row : connection_.run("EXPLAIN QUERY PLAN " + query.pushed).rows) {
      tell(row.substr(row.rfind('|') + 1));
      by_branches = by_branches || row.find("MULTI-INDEX OR") != std::string::npos;
    }
    // The README's limits: in a join, a branch of an OR may go without the BETWEEN beside it.
    if (by_branches && query.pushed.find(" JOIN ") != std::string::npos) return;
    limit_.allow(300);
    Outcome pushed = connection_.run(query.pushed);
    limit_.allow(300);
    Outcome plain = connection_.run(query.plain);
    check_outcome(pushed, query.pushed);
    if (pushed.code == SQLITE_INTERRUPT || plain.code == SQLITE_INTERRUPT)
      return tell("interrupted");
    // The table refuses a malformed day or instant, which in the plain table merely equals nothing.
    if (!pushed.ok() && plain.ok() && odd_ && pushed.message.rfind("invalid: ", 0) == 0) return;
    const auto differ = [&](const std::string& what) {
      std::string text = what + "\n  pushed: " + query.pushed + "\n  plain:  " + query.plain +
                         "\n  " + pushed.message;
      for (const auto& row : pushed.rows) text += "\n  < " + row;
      for (const auto& row : plain.rows) text += "\n  > " + row;
      found(text);
    };
    if (pushed.ok() != plain.ok()) differ("one fails: " + plain.message);
    if (pushed.rows.size() != plain.rows.size()) differ("not as many rows");
    if (ordered && keys_of(pushed.rows) != keys_of(plain.rows)) differ("another order");
    if (limited) return;
    std::sort(pushed.rows.begin(), pushed.rows.end());
    std::sort(plain.rows.begin(), plain.rows.end());
    if (pushed.rows != plain.rows) differ("other rows");
  }

  static std::vector<std::string> keys_of(const std::vector<std::string>& rows) {
    std::vector<std::string> keys;
    for (const auto& row : rows) keys.push_back(row.substr(0, row.find('#')));
    return keys;
  }

  Connection connection_;
  StepLimit limit_;
  std::vector<Source> sources_;
  bool odd_ = false;  // the query holds a value that may be no day and no instant
};

}  // namespace
}  // namespace saldo_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static saldo_fuzz::Books books;
  saldo_fuzz::Bytes bytes(data, size);
  books.run(bytes);
  return 0;
}
