// A table-valued function, declared once: its columns, which of them are pushed down, how rows are
// found. This base owns planning, the constraints' encoding, the order, and errors.
//
// A table function is a class of the shape of Cursor below, with these static members:
//   kDeclaration   the CREATE TABLE statement
//   kPushed        the columns pushed down: by equality (and IN), or by ranges as well
//   kOrder         the columns by which rows come out sorted, ascending
//   kSelecting     the columns whose constraints say what to answer for, not only which answers
//                  to show
//   kUnselected    what a plan costs that cannot push such a constraint down: the join is to run
//                  the other way round; where two tables wait for each other, the cheaper leads
//   estimate(equal, bounded)
//                  the rows to expect, given the sets of columns (bit i: column i) with an
//                  equality and with a bound
//
// The plan, from xBestIndex to xFilter:
//   idxNum   bit i: the query reads column i (bit 30: it may read columns beyond)
//   idxStr   two characters for each argument: 'A' + column, then the operator: '=', '>',
//            ']' for <=, '<', or '[' for >=
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "context.h"
#include "sqlite/bounds.h"
#include "sqlite/guard.h"

namespace saldo {

enum class Push { kEquality, kRange };

struct PushedColumn {
  int column;
  Push push;
  // What xFilter takes for equal is what SQL does: SQLite need not compare the rows again.
  bool exact = false;
};

class Cursor : public sqlite3_vtab_cursor {
 public:
  explicit Cursor(Context& context) : sqlite3_vtab_cursor{}, context_(context) {}
  virtual ~Cursor() = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  // Starts over. `columns_used` is the plan's idxNum.
  virtual void filter(const std::vector<Constraint>& constraints, unsigned columns_used) = 0;
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

  static char op_letter(unsigned char op) {
    switch (op) {
      case SQLITE_INDEX_CONSTRAINT_EQ:
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

  static int best_index(sqlite3_vtab* vtab, sqlite3_index_info* info) {
    return guard_table(vtab, [&] {
      std::string plan;
      unsigned equal = 0;
      unsigned above = 0;  // bounded from above
      unsigned below = 0;
      int arguments = 0;
      bool unselected = false;
      bool joined = false;  // a value is not known yet
      for (int i = 0; i < info->nConstraint; ++i) {
        // The operator comes first: LIMIT and OFFSET carry a column that means nothing.
        const char letter = op_letter(info->aConstraint[i].op);
        const int column = info->aConstraint[i].iColumn;
        // Another collation has other equals and another order.
        if (letter == 0 || sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") != 0)
          continue;
        if (info->aConstraint[i].usable == 0) {
          for (const int selecting : T::kSelecting) unselected = unselected || selecting == column;
          continue;
        }
        for (const PushedColumn& pushed : T::kPushed) {
          if (pushed.column != column || (pushed.push == Push::kEquality && letter != '='))
            continue;
          plan += static_cast<char>('A' + column);
          plan += letter;
          info->aConstraintUsage[i].argvIndex = ++arguments;
          info->aConstraintUsage[i].omit = pushed.exact ? 1 : 0;
          sqlite3_value* known = nullptr;
          joined = joined || (sqlite3_vtab_rhs_value(info, i, &known) != SQLITE_OK &&
                              sqlite3_vtab_in(info, i, -1) == 0);
          const unsigned bit = 1U << static_cast<unsigned>(column);
          (letter == '=' ? equal : letter == '<' || letter == ']' ? above : below) |= bit;
        }
      }
      if (!plan.empty()) {
        info->idxStr = sqlite3_mprintf("%s", plan.c_str());
        if (info->idxStr == nullptr) throw std::bad_alloc();
        info->needToFreeIdxStr = 1;
      }
      constexpr unsigned kColumnBits = 30;
      info->idxNum =
          static_cast<int>((info->colUsed & ((1U << kColumnBits) - 1)) |
                           ((info->colUsed >> kColumnBits) != 0 ? 1U << kColumnBits : 0));
      info->orderByConsumed = order_consumed(*info, equal) ? 1 : 0;
      const double rows = T::estimate(equal, above | below);
      info->estimatedRows = static_cast<sqlite3_int64>(rows);
      constexpr double kStart = 10;  // of a scan, in rows
      info->estimatedCost = kStart + rows + (unselected ? T::kUnselected : 0);
      // SQLite may answer an OR branch by branch, and a BETWEEN beside it then reaches no branch:
      // they would answer for other days. So that it does not, what is selected on both sides costs
      // less than what is on one, or on none; and what is on none, without values of other tables,
      // which a join's inner loop has and a branch mostly has not, costs as if it could not be
      // answered.
      constexpr double kMostSelected = 300;
      unsigned selecting = 0;
      for (const int column : T::kSelecting) selecting |= 1U << static_cast<unsigned>(column);
      if ((selecting & (equal | (above & below))) != 0) {
        if (!unselected) info->estimatedCost = std::min(info->estimatedCost, kMostSelected);
      } else if ((selecting & info->colUsed) != 0) {
        const bool asked = joined || (selecting & (above | below)) != 0;
        info->estimatedCost += asked ? 10 * kMostSelected : T::kUnselected;
      }
    });
  }

  // Whether rows sorted by kOrder are sorted as the query asks; a column fixed by an equality sorts
  // anywhere.
  static bool order_consumed(const sqlite3_index_info& info, unsigned equal) {
    const auto fixed = [&](int column) {
      return column >= 0 && ((equal >> static_cast<unsigned>(column)) & 1U) != 0;
    };
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

  static int filter(sqlite3_vtab_cursor* cursor, int columns_used, const char* plan, int count,
                    sqlite3_value** values) {
    return guard_table(cursor->pVtab, [&] {
      std::vector<Constraint> constraints;
      constraints.reserve(static_cast<std::size_t>(count));
      for (int i = 0; i < count; ++i, plan += 2) {
        constraints.push_back({plan[0] - 'A', letter_op(plan[1]), values[i]});
      }
      static_cast<T*>(cursor)->filter(constraints, static_cast<unsigned>(columns_used));
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
