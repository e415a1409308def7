"""sample_data -- battery carbon-footprint documents, as a company of the battery chain would serve them.

The members follow what Regulation (EU) 2023/1542 asks of a declaration (article 7, annex II: footprint per kWh over the service life,
by life-cycle stage) and of a battery passport (annex XIII), with invented values that are the same in each world.
"""
import json
import os
import random

STAGES = ("rawMaterialAcquisition", "mainProduction", "distribution", "endOfLifeAndRecycling")
MODELS = (  # id, model, category, chemistry, rated energy in kWh, mass in kg, parts listed in the inventory
    ("EB-NMC-75-0001", "KAI-75", "electric vehicle battery", "NMC 811", 75.0, 428, 0),
    ("EB-NMC-75-0002", "KAI-75", "electric vehicle battery", "NMC 811", 75.0, 428, 0),
    ("EB-NMC-92-0003", "KAI-92", "electric vehicle battery", "NMC 811", 92.4, 512, 0),
    ("EB-LFP-60-0004", "UMI-60", "electric vehicle battery", "LFP", 60.5, 402, 0),
    ("EB-LFP-60-0005", "UMI-60", "electric vehicle battery", "LFP", 60.5, 402, 96),
    ("EB-LFP-52-0006", "UMI-52", "electric vehicle battery", "LFP", 52.0, 356, 0),
    ("EB-LMT-05-0007", "SORA-05", "light means of transport battery", "NMC 622", 0.5, 3, 0),
    ("EB-LMT-07-0008", "SORA-07", "light means of transport battery", "NMC 622", 0.7, 4, 0),
    ("EB-IND-100-0009", "YAMA-100", "industrial battery", "LFP", 100.0, 910, 112),
    ("EB-IND-215-0010", "YAMA-215", "industrial battery", "LFP", 215.0, 1980, 0),
    ("EB-NMC-92-0011", "KAI-92", "electric vehicle battery", "NMC 811", 92.4, 512, 104),
    ("EB-NMC-110-0012", "KAI-110", "electric vehicle battery", "NMC 9.5.5", 110.2, 588, 0),
)


def tenth(value):
    return round(value, 1)


def footprint(identifier, model, category, chemistry, kwh, mass, parts):
    chance = random.Random(identifier)
    base = {"LFP": 52, "NMC 622": 71}.get(chemistry, 78)
    shares = [base * s * chance.uniform(0.94, 1.06) for s in (0.61, 0.31, 0.03, 0.05)]
    doc = {
        "batteryId": identifier, "modelId": model, "category": category, "chemistry": chemistry,
        "manufacturer": {"name": "Example Battery KK", "address": "1-2-3 Example, Osaka, Japan"},
        "manufacturingPlant": {"id": "OSK-2", "country": "JP", "batch": f"2026-{chance.randint(1, 40):02d}"},
        "ratedEnergy_kWh": kwh, "mass_kg": mass, "totalEnergyOverServiceLife_kWh": round(kwh * 1500),
        "carbonFootprint": {
            "declaredUnit": "kg CO2e per kWh of total energy over the expected service life", "value_kgCO2ePerKWh": tenth(sum(shares)),
            "stages": [{"stage": s, "value_kgCO2ePerKWh": tenth(v), "share_pct": tenth(100 * v / sum(shares))} for s, v in zip(STAGES, shares)],
            "performanceClass": "B" if sum(shares) < 60 else "C", "method": "Annex II, PEFCR for high specific energy rechargeable batteries",
            "study": f"https://public.example-battery.example/pcf/{model.lower()}.pdf", "verifiedBy": "Example Notified Body 0000"},
        "recycledContent_pct": {"cobalt": tenth(chance.uniform(12, 18)), "lithium": tenth(chance.uniform(5, 8)),
                                "nickel": tenth(chance.uniform(5, 9)), "lead": 0.0},
        "dueDiligence": {"report": "https://public.example-battery.example/dd/2026.pdf", "standard": "OECD guidance"},
        "issued": "2026-09-30T00:00:00Z"}
    if parts:
        doc["inventory"] = [{
            "part": f"cell-{n:03d}", "serial": f"{identifier}-{chance.randrange(16 ** 8):08x}", "mass_g": tenth(1000 * mass / parts * 0.7),
            "electricity_kWh": round(chance.uniform(2.8, 3.4), 3), "gridMix": "JP-2025", "kgCO2e": round(chance.uniform(3.9, 4.6), 3)}
            for n in range(1, parts + 1)]
    return doc


def write(folder):
    """Writes the documents below `folder` and returns their paths."""
    base = os.path.join(folder, "v1", "batteries")
    paths, index = [], []
    for row in MODELS:
        os.makedirs(os.path.join(base, row[0]))
        with open(os.path.join(base, row[0], "carbon-footprint"), "w", encoding="utf-8") as f:
            json.dump(footprint(*row), f, indent=2, ensure_ascii=False)
            f.write("\n")
        paths.append(f"/v1/batteries/{row[0]}/carbon-footprint")
        index.append({"batteryId": row[0], "modelId": row[1], "href": paths[-1]})
    with open(os.path.join(base, "index"), "w", encoding="utf-8") as f:
        json.dump({"batteries": index}, f, indent=2)
        f.write("\n")
    return ["/v1/batteries/index"] + paths
