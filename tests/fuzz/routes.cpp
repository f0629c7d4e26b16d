// Route files (sql/http): a file is read, or refused with its name and the line that is wrong, and
// the OpenAPI document of what was read is JSON.
//
// An input is a file; the files of sql/http are a corpus of their own. Nothing is run.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "fuzz.h"
#include "routes/openapi.h"
#include "routes/route.h"
#include "store/database.h"

namespace saldo_fuzz {
namespace {

class Books {
 public:
  Books() : database_(make(), saldo::server::Database::Mode::kRead) {}

  void read(std::string_view file) {
    saldo::server::Metrics metrics;
    saldo::server::RouteTable routes(metrics);
    try {
      routes.add(saldo::server::RouteOwner::kOperator, "f.sql", std::string(file), database_);
    } catch (const std::runtime_error& error) {
      check_refusal(error.what(), file);
      return;
    }
    (void)nlohmann::json::parse(openapi_document(routes));
    const saldo::server::Route& route = *routes.all().front();
    std::vector<std::string> parts;
    std::vector<std::string> values;
    for (const auto& part : route.parts)
      parts.push_back((part.placeholder.empty() ? "" : "7") + part.text);
    const auto* path = routes.find(parts, values);
    if (path == nullptr || path->find(route.method) != &route)
      found("a route does not match itself");
  }

 private:
  std::string make() {
    const std::string path = folder_.file("books.db");
    Connection connection(path, Extension::kLoaded);
    connection.must("SELECT saldo_install('2026-03-02', 'none'); PRAGMA journal_mode = WAL");
    return path;
  }

  static void check_refusal(const std::string& message, std::string_view file) {
    const auto lines = static_cast<unsigned long>(std::count(file.begin(), file.end(), '\n'));
    char* end = nullptr;
    const bool named = message.rfind("f.sql:", 0) == 0;
    const auto line =
        std::strtoul(message.c_str() + std::min<std::size_t>(6, message.size()), &end, 10);
    if (!named || line < 1 || line > lines + 2 || std::string_view(end).substr(0, 2) != ": ")
      found("a refusal that names no line: " + message);
  }

  saldo_test::TemporaryFolder folder_;
  saldo::server::Database database_;
};

}  // namespace
}  // namespace saldo_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static saldo_fuzz::Books books;
  books.read({reinterpret_cast<const char*>(data), size});
  return 0;
}
