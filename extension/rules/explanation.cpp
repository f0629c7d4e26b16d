#include "rules/explanation.h"

#include "rules/notice_text.h"

namespace saldo {
namespace {

class Explanation {
 public:
  Explanation(const Books& books, const Account& account, const Walk& walk, std::string_view reason,
              std::string_view language)
      : books_(books),
        account_(account),
        standing_(walk.standing()),
        access_(walk.access()),
        terms_(account.terms_on(walk.day())),
        reason_(reason),
        language_(language) {}

  std::vector<Reason> reasons() const {
    std::vector<Reason> all;
    bool answered = false;
    for (const State state :
         {State::kClosed, State::kTrial, State::kTrialEnded, State::kHeld, State::kPaused,
          State::kActive, State::kPromised, State::kGrace, State::kRestricted}) {
      Reason reason{state, state == access_.state, {}};
      if (!answered) reason.fact = fact_of(state);
      answered = answered || reason.applied;
      all.push_back(std::move(reason));
    }
    return all;
  }

 private:
  [[nodiscard]] std::string fact_of(State state) const {
    const bool applies = state == access_.state;
    switch (state) {
      case State::kClosed:
        if (terms_ == nullptr) return say("Условий ещё нет", "There are no terms yet");
        return applies ? terms_say("счёт закрыт", "closed") + because()
                       : terms_say("счёт не закрыт", "not closed");
      case State::kTrial:
      case State::kTrialEnded:
        return trial_fact();
      case State::kHeld:
        return applies ? say("Доступ закрыт оператором", "Held by the operator") + because()
                       : say("Оператор доступ не закрывал", "The operator does not hold it");
      case State::kPaused:
        return applies ? terms_say("обслуживание приостановлено", "paused") + because()
                       : terms_say("обслуживание идёт", "active");
      case State::kActive:
        return money_fact();
      case State::kPromised:
        return promise_fact();
      case State::kGrace:
        if (!access_.restricted_from) {
          return say("Впереди нет рабочего дня, с которого начинается ограничение",
                     "There is no working day ahead on which a restriction could begin");
        }
        return applies ? say("Ограничение начнётся ", "The restriction begins on ") +
                             time(*access_.restricted_from)
                       : say("Отсрочка закончилась ", "The grace ended on ") +
                             time(*access_.restricted_from);
      case State::kRestricted:
        return say("Ограничение действует с ", "The restriction is in force since ") +
               time(*access_.restricted_from);
    }
    return {};
  }

  [[nodiscard]] std::string trial_fact() const {
    if (terms_ != nullptr) {
      return say("Пробный период закончен: действуют условия от ",
                 "The trial is over: there are terms, from ") +
             day(terms_->valid_from);
    }
    const auto& last = account_.trial_ends_on;
    if (!last) return say("Пробный период без срока", "A trial without an end");
    if (access_.state == State::kTrial) {
      return say("Пробный период по ", "A trial up to ") + day(*last) +
             say(" включительно", ", that day included");
    }
    return say("Последний день пробного периода был ", "The last day of the trial was ") +
           day(*last);
  }

  [[nodiscard]] std::string money_fact() const {
    const std::string balance = say("Баланс ", "The balance is ") + money(standing_.balance);
    const auto& limit = terms_->credit_limit;
    const std::string limited =
        !limit       ? say("кредит не ограничен", "the credit has no limit")
        : *limit > 0 ? say("кредитный лимит ", "the credit limit is ") + money(*limit)
                     : say("кредитного лимита нет", "there is no credit limit");
    if (!standing_.arrears_since)
      return balance + ", " + limited + say(": долга нет", ": no arrears");
    return balance + ", " + limited + say(": долг с ", ": in arrears since ") +
           time(*standing_.arrears_since);
  }

  [[nodiscard]] std::string promise_fact() const {
    if (!access_.last_promise_until) {
      return say("За время этого долга обещанного платежа не было",
                 "There was no promised payment in this run of arrears");
    }
    return access_.state == State::kPromised
               ? say("Обещанный платёж действует до ", "A promised payment holds until ") +
                     time(*access_.last_promise_until)
               : say("Обещанный платёж истёк ", "The promised payment expired on ") +
                     time(*access_.last_promise_until);
  }

  [[nodiscard]] std::string terms_say(std::string_view russian, std::string_view english) const {
    return say("Условия от ", "The terms from ") + day(terms_->valid_from) + ": " +
           say(russian, english);
  }
  // What the operator wrote when the terms were recorded.
  [[nodiscard]] std::string because() const {
    return reason_.empty() ? std::string() : " — " + std::string(reason_);
  }

  [[nodiscard]] std::string say(std::string_view russian, std::string_view english) const {
    return std::string(language_ == "ru" ? russian : english);
  }
  [[nodiscard]] std::string day(Day of) const { return format_short_day(of, language_); }
  [[nodiscard]] std::string time(Instant at) const {
    return format_short_time(books_.days.wall_clock(at), language_);
  }
  [[nodiscard]] std::string money(Amount amount) const {
    return format_money(amount, books_.currency, language_);
  }

  const Books& books_;
  const Account& account_;
  Standing standing_;
  Access access_;
  const Terms* terms_;  // null: none in force
  std::string_view reason_;
  std::string_view language_;
};

}  // namespace

std::vector<Reason> explain_access(const Books& books, const Account& account, const Walk& walk,
                                   std::string_view reason, std::string_view language) {
  return Explanation(books, account, walk, reason, language).reasons();
}

}  // namespace saldo
