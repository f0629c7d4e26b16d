#include <algorithm>
#include <fstream>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "commands/commands.h"
#include "commands/terminal.h"
#include "log/position.h"
#include "routes/embedded.h"
#include "routes/reply.h"

namespace saldo::server::commands {
namespace {

constexpr std::string_view kRouteFile = "http/bank_statements/import.sql";

std::string content_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  if (stream) content << stream.rdbuf();
  if (!stream || !content) throw std::runtime_error("cannot read " + file);
  return std::move(content).str();
}

// The route by which a statement comes in over HTTP.
class StatementRoute {
 public:
  explicit StatementRoute(Database& books) : books_(books), routes_(metrics_) {
    const auto file = std::find_if(kEmbeddedRoutes.begin(), kEmbeddedRoutes.end(),
                                   [](const auto& each) { return each.name == kRouteFile; });
    routes_.add(RouteOwner::kServer, std::string(file->name), std::string(file->text), books);
  }

  // A commit for each piece, as over HTTP; inside of a transaction, none.
  nlohmann::json import(std::string_view content, const std::string& account) {
    Request request;
    request.route = routes_.all().front();
    request.who = "saldod import";
    request.body = content;
    request.now = clock_now();
    request.values.resize(request.route->parameters.size());
    request.given.resize(request.route->parameters.size());
    if (!account.empty())
      request.values[request.route->place_of(*request.route->find_parameter("account"))] = account;
    Reply reply;
    constexpr auto kRowsMax = std::numeric_limits<std::size_t>::max();
    for (PartRow& row : read_rows(books_, request, request.route->reading, kRowsMax)) {
      std::optional<Transaction> own;
      if (!books_.in_transaction()) own.emplace(books_, "BEGIN IMMEDIATE");
      request.row = std::move(row.values);
      reply = run_part(books_, request, request.route->last);
      request.so_far = reply.so_far;
      if (own) own->commit();
    }
    return nlohmann::json::parse(reply.body);
  }

 private:
  Database& books_;
  Metrics metrics_;
  RouteTable routes_;
};

std::string outcome(const nlohmann::json& done) {
  const auto count = [&](const char* name) {
    return std::to_string(done[name].get<std::int64_t>());
  };
  std::string text = count("documents") + " documents, " + count("incoming") +
                     " received: " + count("recorded") + " new (" + count("matched") +
                     " matched, " + count("pending") + " pending), " + count("repeated") +
                     " there already";
  if (done["other_currency"] != 0)
    text += ", " + count("other_currency") + " in another currency left out";
  if (done["unclear"] != 0)
    text += ", " + count("unclear") + " left out, as it is not clear whose they are";
  for (const auto& warning : done["warnings"]) text += "\n  " + warning.get<std::string>();
  return text;
}

}  // namespace

int import_statements(const std::string& database, const Import& statements) {
  Database books(database, Database::Mode::kWrite);
  require_no_log(books, database);
  StatementRoute route(books);
  std::optional<Transaction> dry;
  if (statements.dry_run) dry.emplace(books, "BEGIN IMMEDIATE");
  std::size_t number = 0;
  for (const auto& file : statements.files) {
    show_progress(file + ", " + std::to_string(++number) + " of " +
                  std::to_string(statements.files.size()));
    try {
      const auto done = route.import(content_of(file), statements.account);
      show_progress("");
      std::cout << file << ": " << outcome(done) << std::endl;
    } catch (const std::exception& error) {
      show_progress("");
      throw std::runtime_error(file + ": " + error.what());
    }
  }
  if (dry) std::cout << "nothing of it was recorded: this was a dry run\n";
  return 0;
}

}  // namespace saldo::server::commands
