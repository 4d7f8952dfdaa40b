"""Session metadata of a scene, as acquisition software stores them in movies and `.gpio` files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openisx.synthetic._scene import Scene

__all__ = ["EFOCUS", "LED_POWER", "session_metadata"]

LED_POWER = 0.9  # mW/mm^2
EFOCUS = 420


def session_metadata(scene: Scene) -> dict[str, Any]:
    """The ``extraProperties`` of the movie of `scene`; every entry of the acquisition info is among them."""
    rows, columns = scene.shape
    return {
        "animal": {
            "description": "GCaMP6f in CA1, GRIN lens implanted eight weeks before",
            "dob": "2023-10-02",
            "id": "M-0417",
            "sex": "f",
            "species": "Mus musculus",
            "weight": 24.6,
        },
        "date": scene.start.secs_since_epoch.to_msecs(),
        "microscope": {
            "customMetadata": {},
            "downSamplingFactor": scene.downsampling,
            "dualColor": None,
            "exp": round(scene.period.secs_float * 1000),
            "focus": EFOCUS,
            "fov": {
                "height": rows * scene.downsampling,
                "left": 0,
                "top": 0,
                "width": columns * scene.downsampling,
            },
            "fps": {"fps": round(1 / scene.period.secs_float)},
            "gain": 4,
            "led": {"exPower": LED_POWER, "ogPower": 0.0},
            "serial": "11089731",
            "type": "NVista3",
            "widefield": False,
        },
        "name": f"{scene.session_name} open field",
        "personnel": {"name": "Sample experimenter"},
        "probe": {
            "diameter": 1,
            "flip": "none",
            "id": "1050-004415",
            "length": 4,
            "name": "1.0 mm x 4.0 mm ProView",
            "pitch": 0.5,
            "rotation": 0,
            "type": "ProView Integrated",
        },
        "processingInterface": {"recordingUUID": scene.recording_uuid},
        "producer": {"version": "1.9.0", "versionBE": "1.9.0-sample"},
    }
