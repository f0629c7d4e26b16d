// A table-valued function, declared once: its columns, which of them are pushed down, how rows are
// found. This base owns planning, the constraints' encoding, the order, and errors.
//
// A table function is a class of the shape of Cursor below, with these static members:
//   kDeclaration        the CREATE TABLE statement
//   kPushed             the columns that are pushed down
//   kOrder              the columns by which rows come out sorted, ascending
//   kRows               the rows to expect
// and, unless it always answers with the same rows:
//   kParameterColumns   columns whose constraints act like arguments: without them the table
//                       answers for a default (now; the days up to the open one)
//   kHowToAsk           the sentence of the error where conditions on these can only filter
//   kRowsWithoutValues  the rows to expect of a plan in which the values of such constraints are
//                       not available yet, as they come from a table of an inner loop: where each
//                       of two tables has the values for the other, the one with fewer is outer
//   kMayBeOuter         whether its default is an answer then; if not, the query is refused
//   unconstrained(used, read)
//                       one of the factors below: how much the constraints that a plan uses leave
//                       unconstrained, to the default. 1 where the query reads no parameter column,
//                       as it then has no condition on one. The best constraint decides: more of
//                       them never make it greater.
//
// The plan, from xBestIndex to xFilter:
//   idxNum   bit i: the query reads column i
//   idxStr   two characters for each argument: 'A' + column, then the operator: '=', '>',
//            ']' for <=, '<', or '[' for >=; or "!" and the sentence with which the query is to be
//            refused
//
// Costs decide whether answers are right, because of queries such as this one:
//
//   SELECT * FROM access_state WHERE day BETWEEN '2026-11-01' AND '2026-11-10'
//   AND (account_id IN (SELECT id FROM mine) OR account_id IN (SELECT id FROM yours))
//
// SQLite may scan the table once for all conditions but the OR, or once for each side of the OR. To
// a side it hands down its own conditions and of those beside the OR only the comparisons without a
// subquery: BETWEEN, IN (SELECT ...) and row values are left to be checked on the rows that come
// out. The table would answer each side for its default, now, and the check would remove those
// rows: the days are lost. xBestIndex cannot tell a side of an OR from a query, and from 3.49 on
// SQLite even shows it the days while it compares costs, and takes them away afterwards. Therefore:
//
// 1. The sides together never cost less, nor promise fewer rows, than the scan, if they leave as
//    much unconstrained as the scan. SQLite then discards them before it compares anything else
//    (joins, sorting). So that this holds for every query, what constraints select makes no plan
//    cheaper, and more constraints never make one cheaper but by the days that they constrain.
// 2. What is left unconstrained multiplies the costs. So the sides are preferred exactly when each
//    of them by itself constrains the days more than all of what stands beside the OR; what is lost
//    then only filters.
// 3. In a join a plan in which values are missing costs more by what they would have selected
//    (PushedColumn::selects). If thereby more is left unconstrained, the plan is to be avoided.
//    That is expressed by its rows, by which SQLite multiplies the costs of the tables that follow,
//    rather than by its cost: in joins of four tables and more (star queries, from 3.47 on) SQLite
//    takes the greatest cost of one table for the least of the others.
//
// Which days a query asks for is thus constrained by conditions joined by AND; if those constrain
// none, by the sides of an OR, if each of them does. Other conditions filter those rows. If nothing
// constrains the days and there is a condition that seems meant to (LIKE, a range of instants), the
// query is refused, in xFilter: an error from xBestIndex would also end plans that are not chosen.
// It is refused as well if SQLite offers no plan with the values.
//
// What SQLite does not show to xBestIndex only filters (extension/README.md lists it, under
// limits), and a query with it cannot be told from one without. A collation of the day's own would
// see the days that it is compared with, but not what for: an error would also meet joins that only
// add columns (LEFT JOIN a calendar ON s.day = c.day), comparisons in SELECT, and sorting.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "context.h"
#include "rules/error.h"
#include "sqlite/bounds.h"
#include "sqlite/guard.h"

namespace saldo {

enum class Push { kEquality, kRange };  // =, IS and IN; or those and <, <=, >, >= as well

struct PushedColumn {
  int column;
  Push push;
  double selects;  // equality with one value leaves one row of so many
  // xFilter's equality is SQL's, so that SQLite need not compare the rows again.
  bool exact = false;
};

// Sets of columns, bit i: column i.
struct ColumnSets {
  unsigned equal = 0;
  unsigned above = 0;  // bounded from above
  unsigned below = 0;  // bounded from below
};

// Factors of the cost of a plan, by what it leaves unconstrained.
constexpr double kInstantUnconstrained = 1e3;  // days are asked for, and their instants are read
constexpr double kEndUnconstrained = 1e9;      // up to the open day
constexpr double kAllUnconstrained = 1e40;     // beyond all that joins and sorting may cost

constexpr bool has_column(unsigned set, int column) {
  return ((set >> static_cast<unsigned>(column)) & 1U) != 0;
}

class Cursor : public sqlite3_vtab_cursor {
 public:
  static constexpr std::array<int, 0> kParameterColumns{};
  static constexpr const char* kHowToAsk = "";
  static constexpr double kRowsWithoutValues = 0;
  static constexpr bool kMayBeOuter = true;
  static double unconstrained(const ColumnSets& /*used*/, unsigned /*read*/) { return 1; }

  explicit Cursor(Context& context) : sqlite3_vtab_cursor{}, context_(context) {}
  virtual ~Cursor() = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  // Starts over. `columns_read` is a set: those that the query reads.
  virtual void filter(const std::vector<Constraint>& constraints, unsigned columns_read) = 0;
  virtual void next() = 0;
  [[nodiscard]] virtual bool eof() const = 0;
  virtual void column(sqlite3_context* context, int column) = 0;
  // Unique within the table and the same whenever the row comes out again: OR is answered by
  // uniting rowids.
  [[nodiscard]] virtual std::int64_t rowid() const = 0;

 protected:
  [[nodiscard]] Context& context() const { return context_; }

 private:
  Context& context_;
};

// A rowid from the columns that identify a row.
inline std::int64_t hash_rowid(std::initializer_list<std::int64_t> key) {
  // The finalizer of splitmix64, chained; 64 bits of it make a clash within one statement's rows
  // improbable.
  std::uint64_t hash = 0;
  for (const std::int64_t part : key) {
    hash += static_cast<std::uint64_t>(part) + 0x9E3779B97F4A7C15U;
    hash = (hash ^ (hash >> 30U)) * 0xBF58476D1CE4E5B9U;
    hash = (hash ^ (hash >> 27U)) * 0x94D049BB133111EBU;
    hash ^= hash >> 31U;
  }
  return static_cast<std::int64_t>(hash);
}

template <typename T>
class TableFunction {
 public:
  static const sqlite3_module* module() {
    static const sqlite3_module kModule = [] {
      sqlite3_module module{};
      module.iVersion = 0;
      module.xConnect = connect;  // no xCreate: eponymous only
      module.xBestIndex = best_index;
      module.xDisconnect = disconnect;
      module.xOpen = open;
      module.xClose = close;
      module.xFilter = filter;
      module.xNext = next;
      module.xEof = eof;
      module.xColumn = column;
      module.xRowid = rowid;
      return module;
    }();
    return &kModule;
  }

 private:
  struct Table : sqlite3_vtab {
    std::shared_ptr<Context> context;
  };

  static int connect(sqlite3* db, void* context, int, const char* const*, sqlite3_vtab** out,
                     char** message) {
    return guarded(
        [&] {
          const int code = sqlite3_declare_vtab(db, T::kDeclaration);
          if (code != SQLITE_OK) throw SqliteError(code, sqlite3_errmsg(db));
          // It only reads what the caller may read by plain SQL too, and triggers and views of the
          // schema need it under trusted_schema=OFF.
          sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
          auto table = std::make_unique<Table>();
          table->context = *static_cast<std::shared_ptr<Context>*>(context);
          table->context->statements.connected();
          *out = table.release();
        },
        [&](int code, const char* text) {
          if (text != nullptr) *message = sqlite3_mprintf("%s", text);
          return code;
        });
  }

  static int disconnect(sqlite3_vtab* vtab) {
    const std::unique_ptr<Table> table(static_cast<Table*>(vtab));
    table->context->statements.disconnected();
    return SQLITE_OK;
  }

  static constexpr char kRefused = '!';

  static char op_letter(unsigned char op) {
    switch (op) {
      // NULL is equal to nothing in =, and in IS only to NULL, which no column pushed down holds.
      case SQLITE_INDEX_CONSTRAINT_EQ:
      case SQLITE_INDEX_CONSTRAINT_IS:
      case SQLITE_INDEX_CONSTRAINT_ISNULL:  // its argument is NULL
        return '=';
      case SQLITE_INDEX_CONSTRAINT_GT:
        return '>';
      case SQLITE_INDEX_CONSTRAINT_LE:
        return ']';
      case SQLITE_INDEX_CONSTRAINT_LT:
        return '<';
      case SQLITE_INDEX_CONSTRAINT_GE:
        return '[';
      default:
        return 0;
    }
  }

  static int letter_op(char letter) {
    switch (letter) {
      case '=':
        return SQLITE_INDEX_CONSTRAINT_EQ;
      case '>':
        return SQLITE_INDEX_CONSTRAINT_GT;
      case ']':
        return SQLITE_INDEX_CONSTRAINT_LE;
      case '<':
        return SQLITE_INDEX_CONSTRAINT_LT;
      default:
        return SQLITE_INDEX_CONSTRAINT_GE;
    }
  }

  // The operator's letter, if the constraint can be pushed down; else 0.
  static char pushed_letter(sqlite3_index_info* info, int i, const PushedColumn& pushed) {
    const char letter = op_letter(info->aConstraint[i].op);
    if (letter == 0 || (letter != '=' && pushed.push == Push::kEquality)) return 0;
    // Another collation has other equals and another order.
    return sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") == 0 ? letter : 0;
  }

  // The sentence that refuses a query for a condition that can only filter.
  static std::string how_to_ask(sqlite3_index_info* info, int i) {
    const std::string collation = sqlite3_vtab_collation(info, i);
    if (op_letter(info->aConstraint[i].op) == 0 ||
        sqlite3_stricmp(collation.c_str(), "BINARY") == 0) {
      return T::kHowToAsk;
    }
    return "a condition compares days or instants by the collation " + collation +
           ", by which none can be looked up; write it without COLLATE";
  }

  static const PushedColumn* find_pushed(int column) {
    for (const PushedColumn& pushed : T::kPushed) {
      if (pushed.column == column) return &pushed;
    }
    return nullptr;
  }

  static bool is_parameter(int column) {
    return std::find(std::begin(T::kParameterColumns), std::end(T::kParameterColumns), column) !=
           std::end(T::kParameterColumns);
  }

  // Whether an operator that cannot be pushed down may be meant to say which days: LIKE and its
  // like, and what could be pushed down of another column or under another collation. <> and IS NOT
  // say it of none. LIMIT and OFFSET have a column that means nothing.
  static bool may_select(unsigned char op) {
    switch (op) {
      case SQLITE_INDEX_CONSTRAINT_LIKE:
      case SQLITE_INDEX_CONSTRAINT_GLOB:
      case SQLITE_INDEX_CONSTRAINT_REGEXP:
      case SQLITE_INDEX_CONSTRAINT_MATCH:
        return true;
      default:
        return op_letter(op) != 0;
    }
  }

  static int best_index(sqlite3_vtab* vtab, sqlite3_index_info* info) {
    return guard_table(vtab, [&] {
      std::string plan;
      int arguments = 0;
      ColumnSets used;
      ColumnSets missing;       // constraints whose values are not there in this plan
      bool missing_in = false;  // one of them is an IN on a parameter column
      int filter = -1;          // a condition on a parameter column that can only filter
      const unsigned fixed = fixed_columns(info);
      for (int i = 0; i < info->nConstraint; ++i) {
        const auto& constraint = info->aConstraint[i];
        if (!may_select(constraint.op)) continue;
        const int column = constraint.iColumn;
        const PushedColumn* pushed = find_pushed(column);
        const char letter = pushed == nullptr ? 0 : pushed_letter(info, i, *pushed);
        if (letter == 0) {
          if (constraint.usable != 0 && is_parameter(column)) filter = i;
          continue;
        }
        ColumnSets& sets = constraint.usable != 0 ? used : missing;
        (letter == '='                    ? sets.equal
         : letter == '<' || letter == ']' ? sets.above
                                          : sets.below) |= 1U << static_cast<unsigned>(column);
        if (constraint.usable == 0) {
          missing_in = missing_in || (is_parameter(column) && sqlite3_vtab_in(info, i, -1) != 0);
          continue;
        }
        if (has_column(fixed, column) && sqlite3_vtab_in(info, i, -1) != 0) continue;
        plan += static_cast<char>('A' + column);
        plan += letter;
        info->aConstraintUsage[i].argvIndex = ++arguments;
        info->aConstraintUsage[i].omit = pushed->exact ? 1 : 0;
      }

      const auto read = static_cast<unsigned>(info->colUsed);
      const ColumnSets constrained = united(used, missing);
      const double unconstrained = T::unconstrained(constrained, read);
      const bool without_values = T::unconstrained(used, read) > unconstrained;
      const bool only_filtered = filter >= 0 && !constrains_parameters(constrained);
      const bool refused = only_filtered || (without_values && (missing_in || !T::kMayBeOuter));
      if (refused) plan = kRefused + (only_filtered ? how_to_ask(info, filter) : T::kHowToAsk);
      // SQLite passes over the sides of an OR that take no argument.
      if (only_filtered) info->aConstraintUsage[filter].argvIndex = ++arguments;
      info->idxNum =
          static_cast<int>(read & static_cast<unsigned>(std::numeric_limits<int>::max()));
      if (!plan.empty()) {
        info->idxStr = sqlite3_mprintf("%s", plan.c_str());
        if (info->idxStr == nullptr) throw std::bad_alloc();
        info->needToFreeIdxStr = 1;
      }
      info->orderByConsumed = order_consumed(*info, used.equal) ? 1 : 0;

      // One row costs about as much as ten of a plain table.
      constexpr double kRowCost = 10;
      // By its rows a plan without the values costs more than by itself.
      constexpr double kCostWithoutValues = 0.01;
      // What is left unconstrained counts as rows too, within bounds: sorting costs by the rows of
      // the best plan, and if that is more than the cost of a plan without the values, SQLite does
      // not mind which it takes.
      constexpr double kUnconstrainedRowsMax = 1e6;
      // Of the sides of an OR that constrain no days, one that is to be refused is preferred, so
      // that it is.
      constexpr double kRefusedCost = 1e-6;
      const double rows = without_values ? T::kRowsWithoutValues : T::kRows * rows_without(missing);
      info->estimatedRows = static_cast<sqlite3_int64>(
          without_values ? rows : rows * std::min(unconstrained, kUnconstrainedRowsMax));
      info->estimatedCost =
          without_values ? rows * kCostWithoutValues : rows * kRowCost * unconstrained;
      if (only_filtered) info->estimatedCost *= kRefusedCost;
    });
  }

  // Columns that are to equal one value. A list of values for them adds nothing; and if its values
  // depend on this table's own row (account_id = 3 AND account_id IN (SELECT ... WHERE x < s.day)),
  // SQLite would not try the lists for other columns either.
  static unsigned fixed_columns(sqlite3_index_info* info) {
    unsigned fixed = 0;
    for (int i = 0; i < info->nConstraint; ++i) {
      const auto& constraint = info->aConstraint[i];
      const PushedColumn* pushed = find_pushed(constraint.iColumn);
      if (constraint.usable != 0 && pushed != nullptr && pushed_letter(info, i, *pushed) == '=' &&
          sqlite3_vtab_in(info, i, -1) == 0) {
        fixed |= 1U << static_cast<unsigned>(constraint.iColumn);
      }
    }
    return fixed;
  }

  static ColumnSets united(const ColumnSets& one, const ColumnSets& other) {
    return {one.equal | other.equal, one.above | other.above, one.below | other.below};
  }

  static bool constrains_parameters(const ColumnSets& sets) {
    return std::any_of(
        std::begin(T::kParameterColumns), std::end(T::kParameterColumns),
        [&](int column) { return has_column(sets.equal | sets.above | sets.below, column); });
  }

  // How many times more rows a plan has for want of these constraints.
  static double rows_without(const ColumnSets& missing) {
    constexpr double kByBound = 10;
    double more = 1;
    for (const PushedColumn& pushed : T::kPushed) {
      if (has_column(missing.equal, pushed.column)) {
        more *= pushed.selects;
      } else if (has_column(missing.above | missing.below, pushed.column)) {
        more *= std::min(pushed.selects, kByBound);
      }
    }
    return more;
  }

  // Whether rows sorted by kOrder are sorted as the query asks; a column fixed by an equality sorts
  // anywhere.
  static bool order_consumed(const sqlite3_index_info& info, unsigned equal) {
    const auto fixed = [&](int column) { return column >= 0 && has_column(equal, column); };
    auto next = std::begin(T::kOrder);
    for (int i = 0; i < info.nOrderBy; ++i) {
      const int column = info.aOrderBy[i].iColumn;
      if (fixed(column)) continue;
      while (next != std::end(T::kOrder) && *next != column && fixed(*next)) ++next;
      if (next == std::end(T::kOrder) || *next != column || info.aOrderBy[i].desc != 0)
        return false;
      ++next;
    }
    return info.nOrderBy > 0;
  }

  static int open(sqlite3_vtab* vtab, sqlite3_vtab_cursor** out) {
    return guard_table(vtab, [&] { *out = new T(*static_cast<Table*>(vtab)->context); });
  }

  static int close(sqlite3_vtab_cursor* cursor) {
    delete static_cast<T*>(cursor);
    return SQLITE_OK;
  }

  static int filter(sqlite3_vtab_cursor* cursor, int columns_read, const char* plan, int count,
                    sqlite3_value** values) {
    return guard_table(cursor->pVtab, [&] {
      if (plan != nullptr && plan[0] == kRefused) throw invalid(plan + 1);
      std::vector<Constraint> constraints;
      constraints.reserve(static_cast<std::size_t>(count));
      for (int i = 0; i < count; ++i, plan += 2) {
        constraints.push_back({plan[0] - 'A', letter_op(plan[1]), values[i]});
      }
      static_cast<T*>(cursor)->filter(constraints, static_cast<unsigned>(columns_read));
    });
  }

  static int next(sqlite3_vtab_cursor* cursor) {
    return guard_table(cursor->pVtab, [&] { static_cast<T*>(cursor)->next(); });
  }

  static int eof(sqlite3_vtab_cursor* cursor) { return static_cast<T*>(cursor)->eof() ? 1 : 0; }

  static int column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int column) {
    return guard_table(cursor->pVtab, [&] { static_cast<T*>(cursor)->column(context, column); });
  }

  static int rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
    *out = static_cast<T*>(cursor)->rowid();
    return SQLITE_OK;
  }
};

}  // namespace saldo
