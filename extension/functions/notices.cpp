// What notices are made of (sql/notices.sql):
//
//   saldo_check_template(name, text)
//       refuses a template with a placeholder that there is not; for triggers
#include "functions/arguments.h"
#include "functions/functions.h"
#include "rules/error.h"
#include "rules/notice_text.h"

namespace saldo {
namespace {

void check_template(Context& /*context*/, sqlite3_context* /*result*/, int /*count*/,
                    sqlite3_value** arguments) {
  const std::string name(expect_text("name", arguments[0]));
  const auto text = expect_text(name, arguments[1]);
  if (name == "subject" && text.find_first_of("\r\n") != std::string_view::npos)
    throw invalid("subject is of several lines; it can be of one");
  const auto unknown = unknown_placeholder(text);
  if (!unknown) return;
  std::string known;
  for (const auto placeholder : kPlaceholders) {
    known += known.empty() ? "{" : ", {";
    known += placeholder;
    known += '}';
  }
  throw invalid(name + " has the placeholder {" + std::string(*unknown) + "}; there are " + known);
}

}  // namespace

const std::vector<Function>& notice_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_check_template", 2, kPure, check_template},
  };
  return kFunctions;
}

}  // namespace saldo
