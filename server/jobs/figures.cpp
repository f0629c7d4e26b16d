#include "jobs/figures.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "codecs/json.h"

namespace saldo::server {
namespace {

constexpr std::chrono::seconds kFiguresEvery{60};
constexpr int kRestsPerWork = 50;

struct Figure {
  std::string_view name;
  const char* sql;  // of ?1, an instant
};
constexpr std::array<Figure, 5> kFigures = {{
    {"states",
     "SELECT state, count(*), sum(balance) FROM access_state WHERE at = ?1"
     " GROUP BY state ORDER BY count(*) DESC, state"},
    {"restricted",
     "SELECT a.name, s.account_id, s.balance, s.arrears_since, count(*) OVER ()"
     " FROM access_state AS s CROSS JOIN account AS a ON a.account_id = s.account_id"
     " WHERE s.at = day_start(next_working_day(date(billing_day(?1), '+1 day')))"
     " AND s.state = 'restricted' AND s.restricted_from > ?1"
     " ORDER BY s.balance, s.account_id LIMIT 50"},
    {"debtors",
     "SELECT account_id, state, balance, arrears_since, promised_until, restricted_from,"
     " count(*) OVER () FROM access_state WHERE at = ?1 AND arrears_since IS NOT NULL"
     " ORDER BY balance, account_id LIMIT 1000"},
    {"debts",
     "SELECT CASE WHEN age < 7 THEN 7 WHEN age < 30 THEN 30 WHEN age < 90 THEN 90 END AS below,"
     " count(*), sum(balance), sum(state = 'promised'), sum(state = 'restricted')"
     " FROM (SELECT julianday(?1) - julianday(arrears_since) AS age, balance, state"
     " FROM access_state WHERE at = ?1 AND arrears_since IS NOT NULL)"
     " GROUP BY below ORDER BY below NULLS LAST"},
    {"revenue",
     "SELECT v.name, m.price_list, m.accounts, m.quantity, m.amount"
     " FROM monthly_recurring_revenue AS m JOIN service AS v ON v.service_id = m.service_id"
     " ORDER BY m.amount DESC, v.name, m.price_list"},
}};

std::string figure_text(const Figure& figure, sqlite3* database, Instant now) {
  const std::string at = format_instant(now);
  auto row = compile_once(database, figure.sql);
  if (row.parameters() > 0) row.bind_static(1, at);
  std::string text = R"({"at":")" + at + R"(","rows":[)";
  for (bool first = true; row.step(); first = false) {
    text += first ? "[" : ",[";
    for (int column = 0; column < row.columns(); ++column) {
      if (column > 0) text += ',';
      append_json_column(text, row, column);
    }
    text += ']';
  }
  return text + "]}";
}

}  // namespace

Figures::Figures(const std::string& books, std::function<Instant()> now, bool keeps,
                 std::chrono::milliseconds patience)
    : now_(std::move(now)), patience_(patience) {
  if (!keeps) return;
  books_ = std::make_unique<Database>(books, Database::Mode::kRead);
  books_->watch_stop(stopping_);
  thread_ = std::thread([this] { run(); });
}

Figures::~Figures() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Figures::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

std::string Figures::get(std::string_view name, sqlite3* reader, Instant now) const {
  const auto* const figure = std::find_if(kFigures.begin(), kFigures.end(),
                                          [&](const Figure& known) { return known.name == name; });
  if (figure == kFigures.end()) throw invalid("there are no figures " + std::string(name));
  if (books_ == nullptr) return figure_text(*figure, reader, now);
  std::unique_lock lock(mutex_);
  auto found = kept_.end();
  changed_.wait_for(lock, patience_, [&] {
    found = kept_.find(name);
    return stopping_ || found != kept_.end();
  });
  if (found != kept_.end() && !found->second.empty()) return found->second;
  throw Error(ErrorCode::kOverloaded, found == kept_.end()
                                          ? "these figures are still being computed; try again"
                                          : "these figures could not be computed; try again");
}

void Figures::run() {
  for (;;) {
    const auto start = std::chrono::steady_clock::now();
    bool failed = false;
    for (const Figure& figure : kFigures) {
      std::string figures;
      try {
        const Instant now = now_();
        books_->set_now(now);
        figures = figure_text(figure, books_->handle(), now);
      } catch (const std::exception& error) {
        failed = true;
        if (!stopping_) spdlog::error("the figures of {}: {}", figure.name, error.what());
      }
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        // Where that fails, those before it are told, as long as there are any.
        auto& kept = kept_[std::string(figure.name)];
        if (!figures.empty()) kept = std::move(figures);
      }
      changed_.notify_all();
    }
    const auto took = std::chrono::steady_clock::now() - start;
    const auto rest = failed ? took.zero() : kRestsPerWork * took;
    if (!sleep(std::max<std::chrono::steady_clock::duration>(kFiguresEvery, rest))) return;
  }
}

// False: the server stops.
bool Figures::sleep(std::chrono::steady_clock::duration time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return stopping_.load(); });
}

}  // namespace saldo::server
