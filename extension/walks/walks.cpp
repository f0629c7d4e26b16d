#include "walks/walks.h"

#include <utility>

namespace saldo {
namespace {

Scope scope_of(const Books& books, const WalkRequest& request, bool resumes, bool walks) {
  Scope scope;
  scope.from_last_close = resumes;
  scope.money = walks;
  // Up to the open day a walk from the last close needs no charges: they count at the day's end.
  scope.charges = request.charges || request.outlook || !resumes || request.last > books.open_day;
  scope.usage_from = !walks ? request.first : resumes ? books.open_day : books.opening;
  scope.usage_to = request.outlook ? kLastDay : request.last;
  return scope;
}

}  // namespace

Walks::Walks(Context& context, std::shared_ptr<const Books> books, const IntegerRange& account_ids,
             const WalkRequest& request)
    : context_(context),
      books_(std::move(books)),
      resumes_(books_->can_resume_at(request.first)),
      // Where R9 is at work, what a day costs depends on the access that day.
      walks_(request.access || books_->calendar.limits_restricted_days_charged()),
      reader_(context, *books_, account_ids, scope_of(*books_, request, resumes_, walks_)) {}

bool Walks::next() {
  if (!reader_.next()) return false;
  charges_.emplace(*books_, reader_.account());
  if (!walks_) return true;
  if (resumes_) {
    walk_.emplace(*books_, reader_.account(), *charges_, reader_.carried(), books_->open_day);
  } else {
    walk_.emplace(*books_, reader_.account(), *charges_);
  }
  return true;
}

void Walks::advance(Day day, Instant at) {
  const days stride{kDaysPerInterruptCheck};
  for (Day stop = walk_->day() + stride; stop < day; stop += stride) {
    walk_->advance(books_->days.start_of(stop));
    check_interrupt(context_);
  }
  walk_->advance(at);
}

const std::vector<Charge>& Walks::charges_on(Day day) {
  if (!walks_) return charges_->on(day, true);
  advance(day, books_->days.end_of(day) - seconds{1});
  return charges_->on(day, walk_->recurring_charged());
}

void check_interrupt(Context& context) {
  // A query of 256 rows, which SQLite computes in some thousand steps: enough for the progress
  // handler to be called, and about as long as what the caller has just computed.
  auto steps = context.statements.prepare(
      "WITH n AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), "
      "(14), (15), (16))"
      " SELECT count(*) FROM n AS a, n AS b");
  while (steps.step()) {
  }
}

}  // namespace saldo
