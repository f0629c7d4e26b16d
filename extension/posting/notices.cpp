#include "posting/notices.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "facts/books.h"
#include "facts/columns.h"
#include "rules/error.h"

namespace saldo {
namespace {

// A scan reads an account in about a sixteenth of the time of a look-up.
constexpr std::int64_t kAccountsPerLookUp = 16;

// A row of notice_seen.
struct SeenRow {
  std::optional<State> state;
  std::optional<Warning> warning;
  std::optional<std::string> look_at;

  bool operator==(const SeenRow& other) const = default;
};

struct PendingRow {
  std::string kind;
  std::int64_t reference = 0;
  std::optional<std::int64_t> amount;
  std::optional<std::int64_t> number;  // of a document
};

// Beside what was seen.
struct NoticeColumns {
  std::string_view kind;
  std::optional<std::int64_t> number = {};
  std::optional<std::int64_t> amount = {};
  std::optional<std::int64_t> reference = {};
};

void bind_optional(Statement& row, int index, std::optional<std::int64_t> value) {
  value ? row.bind(index, *value) : row.bind_null(index);
}

void bind_optional(Statement& row, int index, const std::optional<Instant>& instant) {
  instant ? row.bind(index, format_instant(*instant)) : row.bind_null(index);
}

void bind_optional(Statement& row, int index, const std::optional<Day>& day) {
  day ? row.bind(index, format_day(*day)) : row.bind_null(index);
}

Day last_day_of_next_month(Day day) {
  const date::year_month_day ymd{day};
  const date::year_month_day_last last{(ymd.year() / ymd.month() + date::months{1}) / date::last};
  return std::min(Day{last}, kLastDay);
}

// One run.
class NoticeRun {
 public:
  NoticeRun(Context& context, std::shared_ptr<const Books> books, std::optional<Instant> last_run,
            Instant at)
      : context_(context),
        own_write_(context),
        books_(std::move(books)),
        last_run_(last_run),
        at_(at),
        at_text_(format_instant(at)),
        day_(books_->days.day_of(at)),
        top_up_until_(last_day_of_next_month(day_)) {
    request_.first = request_.last = day_;
    request_.access = true;
    request_.outlook = true;
  }

  void run(bool look_at_all) {
    const auto last_notice = integer("SELECT max(notice_id) FROM main.notice");
    pending_ = integer("SELECT EXISTS (SELECT 1 FROM main.notice_pending)") != 0;
    if (look_at_all || !last_run_ || is_policy_another()) {
      scan(IntegerRange(), nullptr);
    } else {
      look_at_due();
    }
    auto over =
        context_.statements.prepare("UPDATE main.notice_clock SET posted_at = at, look_at_all = 0");
    over.step();
    auto count =
        context_.statements.prepare("SELECT count(*) FROM main.notice WHERE notice_id > ?1");
    count.bind(1, last_notice).step();
    if (count.integer(0) != posted_) {
      throw append_only("a trigger that is not Saldo's meddles with the notices; drop it");
    }
  }

 private:
  std::int64_t integer(const char* sql) {
    auto row = context_.statements.prepare(sql);
    row.step();
    return row.integer(0);
  }

  [[nodiscard]] bool is_policy_another() const {
    const Calendar& calendar = books_->calendar;
    return calendar.policy_on(books_->days.day_of(*last_run_)).valid_from !=
           calendar.policy_on(day_).valid_from;
  }

  void look_at_due() {
    std::vector<std::int64_t> due;
    // In the index's order: asked to sort, SQLite would rather read all accounts in their order.
    auto row = context_.statements.prepare(
        "SELECT account_id FROM main.notice_seen INDEXED BY notice_seen_look_at WHERE look_at <= ?1"
        " UNION ALL SELECT account_id FROM main.notice_pending");
    for (row.bind(1, at_text_); row.step();) due.push_back(row.integer(0));
    row.reset();
    std::sort(due.begin(), due.end());
    due.erase(std::unique(due.begin(), due.end()), due.end());
    if (due.empty()) return;
    // The numbers of two accounts may lie further apart than 64 bits count.
    const auto span =
        static_cast<std::uint64_t>(due.back()) - static_cast<std::uint64_t>(due.front());
    if (span / kAccountsPerLookUp < due.size()) {
      scan({due.front(), due.back()}, &due);
    } else {
      for (const auto account_id : due) scan({account_id, account_id}, nullptr);
    }
  }

  // Of the accounts of the range those `due`, or nullptr: all.
  void scan(const IntegerRange& account_ids, const std::vector<std::int64_t>* due) {
    Walks walks(context_, books_, account_ids, request_);
    while (walks.next()) {
      if (due == nullptr ||
          std::binary_search(due->begin(), due->end(), walks.account().account_id))
        look_at(walks);
    }
  }

  void look_at(Walks& walks) {
    const Account& account = walks.account();
    const Sight sight = see(walks, day_, at_);
    const std::optional<SeenRow> seen = read_seen(account.account_id);
    NoticeMemory memory;
    memory.last_run = last_run_;
    if (seen) {
      memory.state = seen->state;
      memory.warning = seen->warning;
    }
    const bool restricted = sight.registered && sight.access.state == State::kRestricted;
    if (restricted) memory.reminded = read_reminded(account.account_id, sight);

    const NoticesDue due = notices_due(*books_, account, sight, memory);
    top_up_.reset();
    if (due.state) post(walks, sight, {state_name(sight.access.state)});
    if (due.warning) post(walks, sight, {warning_name(*due.warning)});
    if (due.reminder) post(walks, sight, {"reminder", due.reminder});
    if (pending_) post_pending(walks, sight);

    if (restricted && due.reminded != memory.reminded)
      write_reminded(account.account_id, sight, due.reminded);
    SeenRow now;
    if (sight.registered) now.state = sight.access.state;
    now.warning = due.warning_seen;
    const auto next = next_look(*books_, account, sight, due.reminded);
    if (next) now.look_at = format_instant(*next);
    if (seen != now) write_seen(account.account_id, seen.has_value(), now);
  }

  // nullopt: there is no row, as there was no run since the account came.
  std::optional<SeenRow> read_seen(std::int64_t account_id) {
    auto row = context_.statements.prepare(
        "SELECT state, warning, look_at FROM main.notice_seen WHERE account_id = ?1");
    if (!row.bind(1, account_id).step()) return std::nullopt;
    SeenRow seen;
    seen.state = parse_state(row.text(0));
    seen.warning = parse_warning(row.text(1));
    if (!row.is_null(2)) seen.look_at = row.text(2);
    return seen;
  }

  void write_seen(std::int64_t account_id, bool is_there, const SeenRow& seen) {
    auto row = context_.statements.prepare(
        is_there ? "UPDATE main.notice_seen SET state = ?2, warning = ?3, look_at = ?4"
                   " WHERE account_id = ?1"
                 : "INSERT INTO main.notice_seen(account_id, state, warning, look_at)"
                   " VALUES (?1, ?2, ?3, ?4)");
    row.bind(1, account_id);
    seen.state ? row.bind_static(2, state_name(*seen.state)) : row.bind_null(2);
    seen.warning ? row.bind_static(3, warning_name(*seen.warning)) : row.bind_null(3);
    seen.look_at ? row.bind_static(4, *seen.look_at) : row.bind_null(4);
    row.step();
  }

  std::int64_t read_reminded(std::int64_t account_id, const Sight& sight) {
    auto row = context_.statements.prepare(
        "SELECT number FROM main.notice_reminder WHERE account_id = ?1 AND restricted_from = ?2");
    row.bind(1, account_id).bind(2, format_instant(*sight.access.restricted_from));
    return row.step() ? row.integer(0) : 0;
  }

  void write_reminded(std::int64_t account_id, const Sight& sight, std::int64_t number) {
    auto row = context_.statements.prepare(
        "INSERT INTO main.notice_reminder(account_id, restricted_from, number) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (account_id, restricted_from) DO UPDATE SET number = excluded.number");
    row.bind(1, account_id).bind(2, format_instant(*sight.access.restricted_from));
    row.bind(3, number).step();
  }

  void post_pending(const Walks& walks, const Sight& sight) {
    const auto account_id = walks.account().account_id;
    std::vector<PendingRow> pending;
    auto row = context_.statements.prepare(
        "SELECT p.kind, p.reference, p.amount, d.number FROM main.notice_pending AS p"
        " LEFT JOIN main.document AS d ON p.kind = 'document' AND d.document_id = p.reference"
        " WHERE p.account_id = ?1 ORDER BY p.kind = 'document', p.reference");
    for (row.bind(1, account_id); row.step();) {
      pending.push_back({std::string(row.text(0)), row.integer(1), row.optional_integer(2),
                         row.optional_integer(3)});
    }
    if (pending.empty()) return;
    for (const auto& each : pending)
      post(walks, sight, {each.kind, each.number, each.amount, each.reference});
    auto told =
        context_.statements.prepare("DELETE FROM main.notice_pending WHERE account_id = ?1");
    told.bind(1, account_id).step();
  }

  void post(const Walks& walks, const Sight& sight, const NoticeColumns& columns) {
    const Account& account = walks.account();
    auto row = context_.statements.prepare(
        "INSERT INTO main.notice(account_id, kind, at, number, amount, reference, state, balance,"
        " arrears_since, restricted_from, promised_until, promise_allowed, lasts_until,"
        " trial_ends_on, top_up)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
    row.bind(1, account.account_id).bind(2, columns.kind).bind(3, at_text_);
    bind_optional(row, 4, columns.number);
    bind_optional(row, 5, columns.amount);
    bind_optional(row, 6, columns.reference);
    if (sight.registered) {
      const Access& access = sight.access;
      const bool active = access.state == State::kActive;
      row.bind(7, state_name(access.state)).bind(8, sight.balance);
      bind_optional(row, 9, sight.arrears_since);
      bind_optional(row, 10, active ? sight.outlook.restricted_from : access.restricted_from);
      bind_optional(row, 11, access.promised_until);
      row.bind(12, std::int64_t{access.promise_allowed ? 1 : 0});
      bind_optional(row, 13, sight.outlook.lasts_until);
      bind_optional(row, 15, top_up(walks, sight));
    } else {
      for (const int index : {7, 8, 9, 10, 11, 12, 13, 15}) row.bind_null(index);
    }
    bind_optional(row, 14, account.trial_ends_on);
    row.step();
    ++posted_;
  }

  // The same for all notices of the account.
  std::optional<Amount> top_up(const Walks& walks, const Sight& sight) {
    if (!top_up_) {
      DailyCharges charges(*books_, walks.account());
      top_up_ = depends_on_money(sight.access.state) ? walks.walk().top_up(top_up_until_, charges)
                                                     : std::nullopt;
    }
    return *top_up_;
  }

  Context& context_;
  const OwnWrite own_write_;
  const std::shared_ptr<const Books> books_;
  const std::optional<Instant> last_run_;
  const Instant at_;
  const std::string at_text_;
  const Day day_;
  const Day top_up_until_;
  WalkRequest request_;
  bool pending_ = false;  // notice_pending has rows
  std::int64_t posted_ = 0;
  std::optional<std::optional<Amount>> top_up_;  // of the account looked at, once computed
};

}  // namespace

Sight see(Walks& walks, Day day, Instant at) {
  Sight sight;
  sight.at = at;
  sight.day = day;
  sight.registered = walks.account().registered_on <= day;
  if (!sight.registered) return sight;
  walks.advance(day, at);
  const Walk& walk = walks.walk();
  sight.balance = walk.standing().balance;
  sight.arrears_since = walk.standing().arrears_since;
  sight.access = walk.access();
  if (sight.access.state == State::kActive) sight.outlook = walk.outlook();
  return sight;
}

void post_notices(Context& context) {
  auto books = read_books(context);
  auto clock =
      context.statements.prepare("SELECT at, posted_at, look_at_all FROM main.notice_clock");
  if (!clock.step() || clock.is_null(0))
    throw append_only("notices are posted by UPDATE notice_clock SET at = ...");
  const Instant at = instant_in(clock, 0);
  const auto last_run = optional_instant_in(clock, 1);
  const bool look_at_all = clock.integer(2) != 0;
  clock.reset();
  NoticeRun(context, std::move(books), last_run, at).run(look_at_all);
}

}  // namespace saldo
