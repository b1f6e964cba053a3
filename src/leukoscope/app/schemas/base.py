"""The base classes of all schemas, and types of several of them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]
SEEN = Field(default=0, description="Number of images that the model was trained on.")


class Schema(BaseModel):
    """Base of all schemas. Unknown fields are refused, so that no typing error goes unnoticed."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class RequestBody(Schema):
    """Base of request bodies, checked strictly: 0 is not false, and "1" is not a number."""

    model_config = ConfigDict(strict=True)
