// What the triggers of the schema call to check a row (sql/triggers.sql); their names are not part
// of the interface.
//
//   saldo_check(table, value, ...)
//       refuses a row with a value that its column may not hold (functions/domains.cpp)
//   saldo_check_id(name, id)
//       likewise of the number that a row has got
//   saldo_refuse(code, sentence)
//       refuses: RAISE takes only a literal text
//   saldo_open(day, open_day, sentence)
//       refuses a day before the open one, or an instant before its beginning; `sentence` as in
//       'a headcount can take effect', 'from …' is added
#include "facts/books.h"
#include "functions/arguments.h"
#include "functions/domains.h"
#include "functions/functions.h"
#include "rules/error.h"
#include "sqlite/value.h"

namespace saldo {
namespace {

void check(Context& /*context*/, sqlite3_context* /*result*/, int count,
           sqlite3_value** arguments) {
  if (count > 0) check_row(value_text(arguments[0]), count - 1, arguments + 1);
}

void check_id_of(Context& /*context*/, sqlite3_context* /*result*/, int /*count*/,
                 sqlite3_value** arguments) {
  check_id(value_text(arguments[0]), arguments[1]);
}

void refuse(Context& /*context*/, sqlite3_context* /*result*/, int /*count*/,
            sqlite3_value** arguments) {
  const auto code = parse_error_code(value_text(arguments[0]));
  if (!code || !is_refusal(*code)) {
    throw invalid("there is no code of refusals " + describe(arguments[0]) +
                  ", but: " + std::string(value_text(arguments[1])));
  }
  throw Error(*code, value_text(arguments[1]));
}

// `first` is the open day or the instant of its beginning, which both sort as text.
void refuse_before_open(Context& context, sqlite3_context* /*result*/, int /*count*/,
                        sqlite3_value** arguments) {
  const auto when = value_text(arguments[0]);
  const auto first = value_text(arguments[1]);
  if (when >= first) return;
  const auto books = read_books(context);
  const bool is_day = when.size() == format_day(books->opening).size();
  const std::string opening =
      is_day ? format_day(books->opening) : format_instant(books->days.start_of(books->opening));
  std::string problem = is_day ? " is closed" : " lies in a closed day";
  if (when < opening) {
    problem = " lies before the books were opened, on " + format_day(books->opening);
  }
  throw Error(ErrorCode::kDayClosed, std::string(when) + problem + "; " +
                                         std::string(value_text(arguments[2])) + " from " +
                                         std::string(first));
}

}  // namespace

const std::vector<Function>& check_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_check", -1, kReads, check},
      {"saldo_check_id", 2, kReads, check_id_of},
      {"saldo_refuse", 2, kReads, refuse},
      {"saldo_open", 3, kReads, refuse_before_open},
  };
  return kFunctions;
}

}  // namespace saldo
