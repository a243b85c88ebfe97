"""The addresses of staff's own pages, under `/admin/qc/`, before the admin's."""

from django.urls import path

from qc.pages import appeal_answers, checking_again, rejudging, review, review_groups, rule_history, rule_trials, rules
from qc.pages.guarding import reviewers_page, rule_makers_page, rules_page

urlpatterns = [
    path("review/", reviewers_page(review.review_page, "GET"), name="admin-review"),
    path("review/next/", reviewers_page(review.next_card, "GET"), name="admin-review-next"),
    path("review/decide/", reviewers_page(review.decide, "POST"), name="admin-review-decide"),
    path("review/undo/", reviewers_page(review.undo, "POST"), name="admin-review-undo"),
    path("review/renew/", reviewers_page(review.renew, "POST"), name="admin-review-renew"),
    path("review/skipped/", reviewers_page(review.forget_skipped, "POST"), name="admin-review-skipped"),
    path("review/groups/", reviewers_page(review_groups.groups_page, "GET"), name="admin-review-groups"),
    path("review/group/", reviewers_page(review_groups.group_page, "GET", "POST"), name="admin-review-group"),
    path("review/figures/", reviewers_page(review_groups.figures_page, "GET"), name="admin-review-figures"),
    path("review/product/<int:product_id>/", reviewers_page(review.product_page, "GET"), name="admin-review-product"),
    path(
        "review/product/<int:product_id>/again/",
        reviewers_page(checking_again.check_again, "GET", "POST"),
        name="admin-check-again",
    ),
    path("appeals/<int:appeal_id>/", reviewers_page(appeal_answers.appeal_page, "GET", "POST"), name="admin-appeal"),
    path("rules/", rules_page(rules.list_page, "GET"), name="admin-rules"),
    path("rules/draft/", rule_makers_page(rules.draft_page, "GET", "POST"), name="admin-rules-draft"),
    path("rules/rule/<str:code>/", rule_makers_page(rules.rule_page, "GET", "POST"), name="admin-rule"),
    path("rules/outdated/", rules_page(rejudging.outdated_page, "GET"), name="admin-rules-outdated"),
    path(
        "rules/judge-again/",
        rule_makers_page(rejudging.judge_again, "GET", "POST"),
        name="admin-rules-judge-again",
    ),
    path("rules/history/", rules_page(rule_history.history_page, "GET"), name="admin-rules-history"),
    path("rules/history/back/", rule_makers_page(rule_history.go_back, "POST"), name="admin-rules-back"),
    path("rules/trials/<int:trial_id>/", rules_page(rule_trials.trial_page, "GET"), name="admin-rule-trial"),
    path("rules/trials/<int:trial_id>/save/", rule_makers_page(rule_trials.save, "POST"), name="admin-rule-trial-save"),
]
