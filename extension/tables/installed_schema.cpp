// installed_schema(type, name, tbl_name, sql): what saldo_install creates, in the columns of
// sqlite_schema. audit_schema compares it with what stands in the database.
#include <array>

#include "schema/schema.h"
#include "sqlite/value.h"
#include "tables/table_function.h"
#include "tables/tables.h"

namespace saldo {
namespace {

class InstalledSchema : public Cursor {
 public:
  static constexpr const char* kDeclaration =
      "CREATE TABLE x(type TEXT, name TEXT, tbl_name TEXT, sql TEXT)";
  static constexpr std::array<PushedColumn, 0> kPushed{};
  static constexpr std::array<int, 0> kOrder{};
  static constexpr double kRows = 200;

  using Cursor::Cursor;

  void filter(const std::vector<Constraint>& /*constraints*/, unsigned /*columns_read*/) override {
    row_ = 0;
    objects_ = &installed_objects();
  }

  void next() override { ++row_; }
  [[nodiscard]] bool eof() const override { return row_ >= objects_->size(); }
  void column(sqlite3_context* context, int column) override {
    const SchemaObject& object = (*objects_)[row_];
    const std::string* columns[] = {&object.type, &object.name, &object.table, &object.sql};
    result_text(context, *columns[column]);
  }
  [[nodiscard]] std::int64_t rowid() const override { return static_cast<std::int64_t>(row_); }

 private:
  const std::vector<SchemaObject>* objects_ = nullptr;
  std::size_t row_ = 0;
};

}  // namespace

const sqlite3_module* installed_schema_module() { return TableFunction<InstalledSchema>::module(); }

}  // namespace saldo
