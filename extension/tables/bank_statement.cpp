// bank_statement(content): one row for each document of a bank's statement, in the order of the
// file (statements/statement.h has the formats).
//
//   SELECT * FROM bank_statement(readfile('statement.txt'))
//
// `content` is the file, a blob or a text. NULL gives no rows. The same content gives the same rows
// whatever the books say; none are read. The hidden column `doubt` is why it is not sure that this
// is money that came to the statement's account.
#include <array>
#include <functional>
#include <memory>

#include "rules/error.h"
#include "sqlite/value.h"
#include "statements/statement.h"
#include "tables/table_function.h"
#include "tables/tables.h"

namespace saldo {
namespace {

struct FreeValue {
  void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
};

class BankStatementTable : public Cursor {
 public:
  enum Column {
    kNumber,
    kDate,
    kBookedOn,
    kDirection,
    kAmount,
    kCurrency,
    kOwnAccount,
    kPayer,
    kPayerTaxId,
    kPayerAccount,
    kPayee,
    kPayeeTaxId,
    kPayeeAccount,
    kPurpose,
    kReference,
    kWarning,
    kContent,
    kDoubt
  };
  static constexpr const char* kDeclaration =
      "CREATE TABLE x(number TEXT, date TEXT, booked_on TEXT, direction TEXT, amount INTEGER,"
      " currency TEXT, own_account TEXT, payer TEXT, payer_tax_id TEXT, payer_account TEXT,"
      " payee TEXT, payee_tax_id TEXT, payee_account TEXT, purpose TEXT, reference TEXT,"
      " warning TEXT, content HIDDEN, doubt TEXT HIDDEN)";
  static constexpr PushedColumn kPushed[] = {{kContent, Push::kEquality, 1e3, true}};
  static constexpr std::array<int, 0> kOrder{};
  static constexpr double kRows = 1e3;
  static constexpr double kRowsWithoutValues = 9e18;
  static constexpr bool kMayBeOuter = false;
  static constexpr int kParameterColumns[] = {kContent};
  static constexpr const char* kHowToAsk =
      "say which file is meant: bank_statement(content), of a file's bytes or of a column that an "
      "earlier table of the query has";

  static double unconstrained(const ColumnSets& used, unsigned /*read*/) {
    return has_column(used.equal, kContent) ? 1 : kAllUnconstrained;
  }

  using Cursor::Cursor;

  void filter(const std::vector<Constraint>& constraints, unsigned /*columns_read*/) override {
    row_ = 0;
    statement_ = {};
    if (constraints.empty()) throw invalid(kHowToAsk);
    sqlite3_value* const given = constraints.front().value;
    for (const auto& constraint : constraints) {
      const int type = sqlite3_value_type(constraint.value);
      if (type == SQLITE_NULL || type != sqlite3_value_type(given) ||
          value_bytes(constraint.value) != value_bytes(given))
        return;
    }
    // SQLite's own is gone when this returns; the documents' texts are parts of it.
    content_.reset(sqlite3_value_dup(given));
    if (content_ == nullptr) throw std::bad_alloc();
    const std::string_view bytes = value_bytes(content_.get());
    first_rowid_ = hash_rowid({static_cast<std::int64_t>(std::hash<std::string_view>{}(bytes)),
                               sqlite3_value_type(given)}) &
                   ~kRowsMax;
    statement_ = read_bank_statement(bytes);
  }

  void next() override { ++row_; }
  [[nodiscard]] bool eof() const override { return row_ >= statement_.documents.size(); }

  void column(sqlite3_context* context, int column) override {
    const BankDocument& document = statement_.documents[row_];
    switch (column) {
      case kNumber:
        return text_or_null(context, document.number);
      case kDate:
        return day_or_null(context, document.date);
      case kBookedOn:
        return day_or_null(context, document.booked_on);
      case kDirection:
        if (document.direction != Direction::kUnknown)
          result_text_static(context, document.direction == Direction::kIn ? "in" : "out");
        return;
      case kAmount:
        return sqlite3_result_int64(context, document.amount);
      case kCurrency:
        return text_or_null(context, document.currency);
      case kOwnAccount:
        return text_or_null(context, document.own_account);
      case kPayer:
        return text_or_null(context, document.payer.name);
      case kPayerTaxId:
        return text_or_null(context, document.payer.tax_id);
      case kPayerAccount:
        return text_or_null(context, document.payer.account);
      case kPayee:
        return text_or_null(context, document.payee.name);
      case kPayeeTaxId:
        return text_or_null(context, document.payee.tax_id);
      case kPayeeAccount:
        return text_or_null(context, document.payee.account);
      case kPurpose:
        return text_or_null(context, document.purpose);
      case kReference:
        return result_text(context, document.reference);
      case kWarning:
        return text_or_null(context, document.warning);
      case kDoubt:
        return text_or_null(context, document.doubt);
      default:
        return sqlite3_result_value(context, content_.get());
    }
  }

  // In the file's order, and others in another file.
  [[nodiscard]] std::int64_t rowid() const override {
    return first_rowid_ + static_cast<std::int64_t>(row_);
  }

 private:
  static void text_or_null(sqlite3_context* context, std::string_view text) {
    if (!text.empty()) result_text(context, text);
  }
  static void day_or_null(sqlite3_context* context, const std::optional<Day>& day) {
    if (day) result_text(context, format_day(*day));
  }

  // A value of SQLite, of at most 2 GB, holds fewer documents.
  static constexpr std::int64_t kRowsMax = (1LL << 27) - 1;

  std::unique_ptr<sqlite3_value, FreeValue> content_;
  std::int64_t first_rowid_ = 0;
  BankStatement statement_;
  std::size_t row_ = 0;
};

}  // namespace

const sqlite3_module* bank_statement_module() {
  return TableFunction<BankStatementTable>::module();
}

}  // namespace saldo
