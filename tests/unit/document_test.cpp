// What documents say, without the tables: lines, tax, days, titles, and what payers copy.
#include "rules/document.h"

#include <gtest/gtest.h>

#include <limits>

#include "rules/error.h"
#include "rules/purpose.h"
#include "rules/words.h"

namespace saldo {
namespace {

__extension__ typedef __int128 Wide128;

Day day_of(const char* text) { return *parse_day(text); }

TEST(Tax, IsHalfUpOfTheExactQuotient) {
  const auto check = [](Amount amount, std::int64_t rate) {
    // tax = floor(A r / d + 1/2)  <=>  2d tax <= 2 A r + d < 2d (tax + 1)
    const Wide128 divisor = 10'000 + rate;
    const Wide128 twice = Wide128{amount} * rate * 2 + divisor;
    const Wide128 tax = tax_included(amount, rate);
    ASSERT_TRUE(divisor * 2 * tax <= twice && twice < divisor * 2 * (tax + 1))
        << amount << " at " << rate;
  };
  for (const std::int64_t rate : {0, 1, 500, 700, 1000, 2000, 2200, 9999, 10'000}) {
    for (Amount amount = 0; amount < 30'000; ++amount) check(amount, rate);
    for (Amount less = 0; less < 30'000; ++less)
      check(std::numeric_limits<Amount>::max() - less, rate);
  }
}

TEST(TaxLabel, SaysThePerCentAsPeopleWriteThem) {
  EXPECT_EQ(tax_label(2200, "ru"), "НДС 22 %");
  EXPECT_EQ(tax_label(1250, "ru"), "НДС 12,5 %");
  EXPECT_EQ(tax_label(705, "en"), "VAT 7.05%");
  EXPECT_EQ(tax_label(0, "ru"), "НДС 0 %");
  EXPECT_EQ(tax_label(std::nullopt, "ru"), "Без НДС");
  EXPECT_EQ(tax_label(std::nullopt, "en"), "No VAT");
}

TEST(Days, AreRangesOfOneMonth) {
  const auto days = [](const std::vector<int>& numbers, const char* language) {
    std::vector<Day> sorted;
    for (const int number : numbers)
      sorted.push_back(day_of("2026-11-01") + saldo::days{number - 1});
    return format_days_of_month(sorted, language);
  };
  EXPECT_EQ(days({5}, "ru"), "5 ноября 2026");
  EXPECT_EQ(days({5, 6}, "ru"), "5–6 ноября 2026");
  EXPECT_EQ(days({1, 2, 3, 9, 20, 21}, "ru"), "1–3, 9, 20–21 ноября 2026");
  EXPECT_EQ(days({1, 3, 5}, "en"), "1, 3, 5 November 2026");
  EXPECT_EQ(format_days_between(day_of("2026-05-01"), day_of("2026-05-31"), "ru"), "1–31 мая 2026");
  EXPECT_EQ(format_date(day_of("2026-01-09"), "ru"), "9 января 2026 года");
  EXPECT_EQ(format_date(day_of("2026-01-09"), "en"), "9 January 2026");
}

TEST(Services, OfAWholeMonthAreSaidByItsName) {
  EXPECT_EQ(services_text(day_of("2027-02-01"), day_of("2027-02-28"), "ru"),
            "Услуги за февраль 2027");
  EXPECT_EQ(services_text(day_of("2028-02-01"), day_of("2028-02-28"), "ru"),
            "Услуги за 1–28 февраля 2028");
  EXPECT_EQ(services_text(day_of("2026-12-02"), day_of("2026-12-31"), "en"),
            "Services of 2–31 December 2026");
}

TEST(Title, HasKindNumberAndDay) {
  EXPECT_EQ(document_title(DocumentKind::kUpd, 7, day_of("2026-12-31"), "ru"),
            "Универсальный передаточный документ № 7 от 31 декабря 2026 года");
  EXPECT_EQ(document_title(DocumentKind::kAct, 7, day_of("2026-12-31"), "en"),
            "Act No. 7 of 31 December 2026");
  for (const auto kind : {DocumentKind::kInvoice, DocumentKind::kAct, DocumentKind::kUpd,
                          DocumentKind::kReconciliation}) {
    EXPECT_EQ(parse_document_kind(document_kind_name(kind)), kind);
  }
  EXPECT_EQ(parse_document_kind("bill"), std::nullopt);
}

TEST(Name, IsShortAndSaysWhichCorrectionItIs) {
  const Day day = day_of("2026-12-31");
  EXPECT_EQ(document_name(DocumentKind::kAct, 12, day, std::nullopt, "ru"),
            "акт № 12 от 31.12.2026");
  EXPECT_EQ(document_name(DocumentKind::kUpd, 12, day, 2, "ru"),
            "УПД № 12 от 31.12.2026, исправление № 2");
  EXPECT_EQ(document_name(DocumentKind::kInvoice, 1, day, std::nullopt, "ru"),
            "счёт № 1 от 31.12.2026");
  EXPECT_EQ(document_name(DocumentKind::kReconciliation, 1, day, std::nullopt, "ru"),
            "акт сверки № 1 от 31.12.2026");
  EXPECT_EQ(document_name(DocumentKind::kUpd, 12, day, 2, "en"),
            "universal transfer document No. 12 of 2026-12-31, correction No. 2");
}

// M1: what a payer copies from an invoice names the invoice, with its day, and the account, and
// nothing else, whatever the tax.
TEST(InvoicePurpose, NamesInvoiceAndAccount) {
  InvoicePurpose invoice;
  invoice.number = 1205;
  invoice.issued_on = day_of("2026-11-16");
  invoice.account_id = 42;
  for (const char* language : {"ru", "en"}) {
    for (const int tax : {0, 1, 2}) {
      invoice.tax_known = tax > 0;
      invoice.basis_points = tax == 2 ? std::optional<std::int64_t>(2200) : std::nullopt;
      invoice.tax = 180'328;
      const std::string text = invoice_purpose(invoice, "RUB", language);
      SCOPED_TRACE(text);
      const auto named = named_in(text);
      ASSERT_EQ(named.size(), 2U);
      EXPECT_EQ(named[0].kind, Named::Kind::kInvoice);
      EXPECT_EQ(named[0].number, "1205");
      EXPECT_EQ(named[0].date, day_of("2026-11-16"));
      EXPECT_FALSE(named[0].unclear);
      EXPECT_EQ(named[1].kind, Named::Kind::kAccount);
      EXPECT_EQ(named[1].number, "42");
      EXPECT_FALSE(named[1].unclear);
    }
  }
}

TEST(PaymentQr, HoldsWhatTheStandardAllows) {
  const PaymentRequisites good{
      "ООО «А|Б»", "40702810900000000001", "Банк", "044525225", "30101810400000000225", "", ""};
  EXPECT_EQ(payment_qr(good, 124'518, "счёт |\n1"),
            "ST00012|Name=ООО «А Б»|PersonalAcc=40702810900000000001|BankName=Банк|BIC=044525225|"
            "CorrespAcc=30101810400000000225|Sum=124518|Purpose=счёт   1");
  PaymentRequisites payee = good;
  payee.tax_id = "7707083893";
  payee.kpp = "770701001";
  EXPECT_NE(payment_qr(payee, 1, "x")->find("|PayeeINN=7707083893|KPP=770701001"),
            std::string::npos);

  const auto repeated = [](const std::string& letter, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += letter;
    return text;
  };
  payee = good;
  payee.name = repeated("Ы", 161);
  payee.bank_name = repeated("Б", 46);
  EXPECT_EQ(
      payment_qr(payee, 1, repeated("ц", 211)),
      "ST00012|Name=" + repeated("Ы", 160) +
          "|PersonalAcc=40702810900000000001|BankName=" + repeated("Б", 45) +
          "|BIC=044525225|CorrespAcc=30101810400000000225|Sum=1|Purpose=" + repeated("ц", 210));

  const std::pair<std::string PaymentRequisites::*, const char*> refused[] = {
      {&PaymentRequisites::name, ""},
      {&PaymentRequisites::bank_name, ""},
      {&PaymentRequisites::bic, ""},
      {&PaymentRequisites::bic, "04452522"},
      {&PaymentRequisites::bic, "0445252 5"},
      {&PaymentRequisites::bank_account, "4070281090000000000"},
      {&PaymentRequisites::bank_account, "4070281090000000000A"},
      {&PaymentRequisites::corr_account, ""},
      {&PaymentRequisites::corr_account, "301018104000000002250"}};
  for (const auto& [member, value] : refused) {
    payee = good;
    payee.*member = value;
    EXPECT_EQ(payment_qr(payee, 1, "x"), std::nullopt) << value;
  }
}

class Lines : public testing::Test {
 protected:
  Lines() {
    crm_.id = "crm";
    crm_.name = "CRM";
    crm_.rates = {{day_of("2026-01-01"), 2000}};
  }

  ChargedDay charged(const char* day, Amount amount, Amount monthly_fee = 3000) const {
    ChargedDay charge;
    charge.day = day_of(day);
    charge.service = &crm_;
    charge.quantity = 1;
    charge.monthly_fee = monthly_fee;
    charge.amount = amount;
    return charge;
  }
  RevenueAdjustment adjusted(const char* day, Amount amount) const {
    RevenueAdjustment adjustment;
    adjustment.adjustment_id = 7;
    adjustment.day = day_of(day);
    adjustment.service = &crm_;
    adjustment.amount = amount;
    return adjustment;
  }

  DocumentService crm_;
};

// What is corrected is the line that has the day, not the first of the service.
TEST_F(Lines, ACorrectionGoesToTheLineOfItsDay) {
  const std::vector<ChargedDay> charges = {
      charged("2026-11-01", 100), charged("2026-11-02", 200, 6000), charged("2026-11-03", 100)};
  const auto amounts = [&](const char* day) {
    std::vector<Amount> result;
    for (const auto& line : document_lines(charges, {adjusted(day, -30)}, "ru"))
      result.push_back(line.amount);
    return result;
  };
  EXPECT_EQ(amounts("2026-11-01"), (std::vector<Amount>{170, 200}));
  EXPECT_EQ(amounts("2026-11-02"), (std::vector<Amount>{200, 170}));
  EXPECT_EQ(amounts("2026-11-03"), (std::vector<Amount>{170, 200}));
  // Of a day without a charge: the last line that begins before it.
  EXPECT_EQ(amounts("2026-11-20"), (std::vector<Amount>{200, 170}));
}

TEST_F(Lines, ATierIsToldAsPeopleSayIt) {
  const auto tier = [&](std::int64_t low, std::optional<std::int64_t> high, bool employees,
                        const char* language) {
    ChargedDay charge = charged("2026-11-01", 100);
    charge.tier = TierRange{low, high, employees};
    const auto lines = document_lines({charge}, {}, language);
    const std::string& name = lines.at(0).name;
    return name.substr(0, name.rfind(", 1 " + std::string(language[0] == 'r' ? "но" : "No")));
  };
  EXPECT_EQ(tier(0, 5, true, "ru"), "CRM, тариф до 5 сотрудников");
  EXPECT_EQ(tier(0, 1, true, "ru"), "CRM, тариф до 1 сотрудника");
  EXPECT_EQ(tier(0, 21, true, "ru"), "CRM, тариф до 21 сотрудника");
  EXPECT_EQ(tier(0, 2, false, "ru"), "CRM, тариф до 2");
  EXPECT_EQ(tier(0, 0, true, "ru"), "CRM, тариф 0 сотрудников");
  EXPECT_EQ(tier(1, 5, true, "ru"), "CRM, тариф 1–5 сотрудников");
  EXPECT_EQ(tier(51, std::nullopt, true, "ru"), "CRM, тариф от 51 сотрудника");
  EXPECT_EQ(tier(0, std::nullopt, true, "ru"), "CRM");
  EXPECT_EQ(tier(0, 5, true, "en"), "CRM, tier of up to 5 employees");
  EXPECT_EQ(tier(0, 1, true, "en"), "CRM, tier of up to 1 employee");
  EXPECT_EQ(tier(0, 2, false, "en"), "CRM, tier of up to 2");
  EXPECT_EQ(tier(1, 5, true, "en"), "CRM, tier of 1–5 employees");
  EXPECT_EQ(tier(51, std::nullopt, true, "en"), "CRM, tier of 51 employees or more");
}

TEST_F(Lines, ACorrectionWithoutAChargeIsARecalculation) {
  EXPECT_EQ(document_lines({}, {adjusted("2026-11-11", 70)}, "ru").at(0).name,
            "CRM, перерасчёт за 11 ноября 2026");
  EXPECT_EQ(document_lines({}, {adjusted("2026-11-11", 70)}, "en").at(0).name,
            "CRM, recalculation for 11 November 2026");
}

// What a correction takes beyond its line comes from the other lines of the rate: from those before
// it, the nearest first, then from those after it.
TEST_F(Lines, ACorrectionBeyondItsLineGoesOnWithTheNearest) {
  const std::vector<ChargedDay> charges = {
      charged("2026-11-01", 100), charged("2026-11-02", 200, 6000),
      charged("2026-11-03", 300, 9000), charged("2026-11-04", 400, 12'000),
      charged("2026-11-05", 500, 15'000)};
  const auto amounts = [&](const std::vector<RevenueAdjustment>& adjustments) {
    std::vector<Amount> result;
    for (const auto& line : document_lines(charges, adjustments, "ru"))
      result.push_back(line.amount);
    return result;
  };
  EXPECT_EQ(amounts({adjusted("2026-11-03", -450)}), (std::vector<Amount>{100, 50, 400, 500}));
  EXPECT_EQ(amounts({adjusted("2026-11-03", -550)}), (std::vector<Amount>{50, 400, 500}));
  EXPECT_EQ(amounts({adjusted("2026-11-03", -650)}), (std::vector<Amount>{350, 500}));
  EXPECT_EQ(amounts({adjusted("2026-11-03", -1100)}), (std::vector<Amount>{400}));
  EXPECT_EQ(amounts({adjusted("2026-11-03", -450), adjusted("2026-11-03", 200)}),
            (std::vector<Amount>{100, 200, 50, 400, 500}));
  EXPECT_TRUE(amounts({adjusted("2026-11-01", -1500)}).empty());
  EXPECT_THROW(amounts({adjusted("2026-11-05", -1501)}), Error);
  // Those of another rate are left alone.
  crm_.rates.push_back({day_of("2026-11-03"), 2200});
  EXPECT_EQ(amounts({adjusted("2026-11-03", -450)}), (std::vector<Amount>{100, 200, 250, 500}));
  EXPECT_THROW(amounts({adjusted("2026-11-03", -1201)}), Error);
  EXPECT_THROW(amounts({adjusted("2026-11-02", -301)}), Error);
}

// A fee is what it is: no correction of charges reduces it.
TEST_F(Lines, AFeeTakesNoPartInCorrections) {
  RevenueAdjustment fee = adjusted("2026-11-01", 500);
  fee.fee = true;
  EXPECT_THROW(
      document_lines({charged("2026-11-01", 100)}, {fee, adjusted("2026-11-01", -101)}, "ru"),
      Error);
}

TEST_F(Lines, ARateIsAskedForOnlyWhereSomethingIsCharged) {
  EXPECT_TRUE(document_lines({charged("2025-11-01", 0)}, {}, "ru").empty());
  EXPECT_THROW(document_lines({charged("2025-11-01", 1)}, {}, "ru"), Error);
}

TEST_F(Lines, SumsBeyond64BitsAreRefused) {
  const auto most = std::numeric_limits<Amount>::max();
  EXPECT_THROW(document_lines({charged("2026-11-01", most), charged("2026-11-02", 1)}, {}, "ru"),
               Error);
}

TEST(RussianForm, GoesByTheLastDigits) {
  constexpr RussianForms kForms = {"1", "2", "5"};
  for (const int five : {0, 5, 9, 10, 11, 12, 14, 15, 20, 111, 112, 1014, 1000})
    EXPECT_EQ(russian_form(static_cast<std::uint64_t>(five), kForms), "5") << five;
  for (const int one : {1, 21, 101, 1'000'001})
    EXPECT_EQ(russian_form(static_cast<std::uint64_t>(one), kForms), "1") << one;
  for (const int two : {2, 3, 4, 22, 104})
    EXPECT_EQ(russian_form(static_cast<std::uint64_t>(two), kForms), "2") << two;
}

}  // namespace
}  // namespace saldo
