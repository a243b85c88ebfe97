"""The addresses of quality control, below /api/."""

from marketplace.routes import api_paths
from qc.api.appeals import AppealsView, AppealView, ProductAppealsView

urlpatterns = [
    *api_paths("products/<int:product_id>/appeals/", ProductAppealsView.as_view(), name="product-appeals"),
    *api_paths("appeals/", AppealsView.as_view(), name="appeals"),
    *api_paths("appeals/<int:appeal_id>/", AppealView.as_view(), name="appeal"),
]
