"""The models on this machine, with their properties, and models that can be downloaded.

Only its package `hub` opens network connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.lazy import export_lazily

if TYPE_CHECKING:
    from rm_local.library.added import add_model as add_model, forget_model as forget_model
    from rm_local.library.apps import (
        explain_how_to_remove_model as explain_how_to_remove_model,
        find_owning_app_or_empty as find_owning_app_or_empty,
    )
    from rm_local.library.embedded_models import (
        RM_SMALL as RM_SMALL,
        DefaultModelChoice as DefaultModelChoice,
        choose_preferred_or_shipped_model as choose_preferred_or_shipped_model,
        choose_settings_or_default_model as choose_settings_or_default_model,
        ensure_model_file as ensure_model_file,
        ensure_model_file_in_thread as ensure_model_file_in_thread,
        read_or_predict_model_headers as read_or_predict_model_headers,
    )
    from rm_local.library.first_steps import (
        QUESTIONS as QUESTIONS,
        FirstSteps as FirstSteps,
        find_first_steps as find_first_steps,
    )
    from rm_local.library.hub.cache import get_hub_cache_folder as get_hub_cache_folder
    from rm_local.library.hub.catalog import (
        LARGEST_MEMORY as LARGEST_MEMORY,
        CatalogEntry as CatalogEntry,
        find_catalog_entry as find_catalog_entry,
        load_catalog as load_catalog,
    )
    from rm_local.library.hub.download import (
        DownloadedFile as DownloadedFile,
        build_cache_paths as build_cache_paths,
        count_missing_bytes as count_missing_bytes,
        download_file_unless_cached as download_file_unless_cached,
        require_download_space as require_download_space,
    )
    from rm_local.library.hub.hub_client import HubClient as HubClient, Repo as Repo
    from rm_local.library.hub.hub_variables import check_hub_variables as check_hub_variables
    from rm_local.library.hub.selector import (
        HubModel as HubModel,
        HubReference as HubReference,
        choose_model as choose_model,
        parse_hub_reference as parse_hub_reference,
    )
    from rm_local.library.locations import SHIPPED_SOURCE as SHIPPED_SOURCE
    from rm_local.library.model_file import (
        ModelDescription as ModelDescription,
        read_model_description as read_model_description,
        require_loadable as require_loadable,
    )
    from rm_local.library.models import (
        LibraryModel as LibraryModel,
        MissingEmbeddedModel as MissingEmbeddedModel,
        ModelLibrary as ModelLibrary,
        derive_model_name_without_place as derive_model_name_without_place,
        find_model_by_path_or_name as find_model_by_path_or_name,
        find_models as find_models,
        looks_like_model_path as looks_like_model_path,
    )
    from rm_local.library.rm_small import BASE_SHA256 as BASE_SHA256
    from rm_local.library.rm_small_metadata import (
        RM_SMALL_METADATA as RM_SMALL_METADATA,
        RM_SMALL_TEMPLATE as RM_SMALL_TEMPLATE,
    )
    from rm_local.library.scan import find_gguf_files as find_gguf_files
    from rm_local.library.settings_file import (
        save_or_remove_model_setting as save_or_remove_model_setting,
    )
    from rm_local.library.smollm2 import (
        SMOLLM2_SHA256 as SMOLLM2_SHA256,
        check_smollm2_hash as check_smollm2_hash,
        find_smollm2_file as find_smollm2_file,
    )

__getattr__ = export_lazily(
    __name__,
    {
        "added": ["add_model", "forget_model"],
        "apps": ["find_owning_app_or_empty", "explain_how_to_remove_model"],
        "embedded_models": [
            "DefaultModelChoice",
            "RM_SMALL",
            "choose_preferred_or_shipped_model",
            "ensure_model_file",
            "ensure_model_file_in_thread",
            "read_or_predict_model_headers",
            "choose_settings_or_default_model",
        ],
        "first_steps": ["FirstSteps", "QUESTIONS", "find_first_steps"],
        "hub.cache": ["get_hub_cache_folder"],
        "hub.catalog": ["CatalogEntry", "LARGEST_MEMORY", "find_catalog_entry", "load_catalog"],
        "hub.download": [
            "DownloadedFile",
            "build_cache_paths",
            "require_download_space",
            "download_file_unless_cached",
            "count_missing_bytes",
        ],
        "hub.hub_client": ["HubClient", "Repo"],
        "hub.hub_variables": ["check_hub_variables"],
        "hub.selector": ["HubModel", "HubReference", "choose_model", "parse_hub_reference"],
        "locations": ["SHIPPED_SOURCE"],
        "model_file": ["ModelDescription", "require_loadable", "read_model_description"],
        "models": [
            "ModelLibrary",
            "LibraryModel",
            "MissingEmbeddedModel",
            "find_model_by_path_or_name",
            "find_models",
            "looks_like_model_path",
            "derive_model_name_without_place",
        ],
        "rm_small": ["BASE_SHA256"],
        "rm_small_metadata": ["RM_SMALL_METADATA", "RM_SMALL_TEMPLATE"],
        "scan": ["find_gguf_files"],
        "settings_file": ["save_or_remove_model_setting"],
        "smollm2": ["SMOLLM2_SHA256", "check_smollm2_hash", "find_smollm2_file"],
    },
)
