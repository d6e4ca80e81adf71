"""The words of the small world: who lives in it, what is there, what is wanted and why.

Every list is a string split at white space; an underscore stands for a space inside a phrase. The lists are ours.
Words with an unusual article ("a uniform", "an hour") are left out, so that `with_article` can go by the letter.
"""

from __future__ import annotations

from dataclasses import dataclass


def word_list(text: str) -> tuple[str, ...]:
    """Split at white space; underscores become spaces."""
    return tuple(word.replace("_", " ") for word in text.split())


def with_article(phrase: str) -> str:
    """'an owl', 'a green lantern'."""
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


WOMEN = word_list("""
Ada Agnes Alma Amara Anja Anna Astrid Beatrice Bella Brenda Carla Carmen Celia Chloe Clara Daisy Dalia Dana Delia
Diana Dora Edith Elena Elise Ella Elsa Emma Erica Esther Eva Fatima Fiona Flora Freya Frida Gemma Gina Grace Greta
Hana Hanna Hazel Heidi Helen Ida Imani Ines Ingrid Irene Iris Isabel Ivy Jana Jane Jasmine Joan Judith Julia June
Karin Kate Keiko Kira Laila Lara Laura Leila Lena Lily Linda Lola Lucy Luisa Lydia Mabel Maja Mara Maria Marta Maya
Mei Mila Mina Mira Molly Mona Nadia Naomi Nina Nora Olga Olive Paula Pearl Petra Priya Rita Rosa Ruth Sally Sana
Sara Selma Signe Sofia Stella Susan Tamar Tara Tessa Thea Tilda Tina Uma Vera Viola Wanda Willa Yara Yuki Zara Zoe
""")

MEN = word_list("""
Aaron Abel Adam Ahmed Alan Albert Amir Andre Anton Arjun Arthur Axel Basil Ben Bernard Boris Bruno Carl Cedric Cyrus
Daniel David Diego Dmitri Edgar Edmund Eli Elias Emil Enzo Eric Ernest Farid Felix Finn Frank Gabriel George Gilbert
Gustav Hamid Hans Harold Harry Hassan Henry Hugo Ibrahim Igor Ivan Jack Jacob Jamal James Jan Jasper Jonas Jose Juan
Jude Karim Karl Kenji Kofi Kurt Lars Leo Leon Levi Liam Linus Louis Luca Lukas Magnus Malik Marco Mario Martin Max
Miguel Milo Nico Noah Odin Olaf Oliver Omar Oscar Otto Pablo Paul Pavel Pedro Peter Philip Quentin Rafael Ralph Ravi
Robert Robin Rohan Ruben Rufus Samir Samuel Simon Stefan Sven Tariq Theo Thomas Tobias Tomas Victor Viktor Walter
Wilbur William Yusuf Zane
""")

# Towns are put together, so that a small tokenizer still reads them in two pieces.
TOWN_STARTS = word_list("""
Alder Amber Birch Black Clay Copper East Fair Fern Fox Glen Gold Green Hazel Iron Kings Lark Linden Maple Moss North Oak
Otter Pine Raven Red Rose Silver Stone Thorn White Wind Winter Wester
""")
TOWN_ENDS = word_list("""
bank bridge cliff dale field ford gate haven hill mouth port stead vale well wood worth
""")

JOBS = word_list("""
actor artist author baker banker barber beekeeper blacksmith boatman bookbinder botanist builder butcher carpenter
chef chemist clerk clockmaker clown coach cobbler cook dancer dentist detective diver doctor driver editor
electrician engineer farmer firefighter fisher florist gardener geologist glazier goldsmith grocer guard guide
hairdresser historian hunter inventor jeweller joiner judge juggler lawyer librarian lifeguard locksmith magician
mason mechanic merchant midwife miller miner musician nurse optician painter pharmacist photographer pianist pilot
plumber poet porter postman potter printer professor programmer rancher reporter roofer sailor scientist sculptor
secretary shepherd singer soldier stonecutter surgeon tailor teacher thatcher translator vet waiter watchmaker weaver
welder writer zookeeper
""")
# "postman" names a man and "midwife" and "boatman" lean, so the balanced world goes without them.
JOBS = tuple(job for job in JOBS if job not in ("postman", "midwife", "boatman"))

RELATIONS = {
    "she": word_list("friend neighbour cousin sister aunt mother grandmother niece daughter classmate colleague"),
    "he": word_list("friend neighbour cousin brother uncle father grandfather nephew son classmate colleague"),
}

DAYS = word_list("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = word_list("January February March April May June July August September October November December")

PLACES = word_list("""
airport arena art_gallery bakery bank barn beach boathouse bookshop botanical_garden bus_station canal castle cathedral
cattle_market cave chapel cheese_shop cinema city_hall coal_mine concert_hall corner_shop crossroads dairy dam dockyard
duck_pond factory ferry_landing fire_station fish_market flea_market flower_stall forest fort fountain garage
glassworks granary greenhouse gymnasium harbour hay_loft hospital hotel ice_rink inn island jetty lake library
lighthouse lumber_yard marina market meadow monastery mountain_hut museum night_market observatory old_mill
opera_house orchard palace paper_mill park pier playground police_station post_office pottery quarry railway_station
ranch reading_room reservoir riverbank ropeworks rose_garden salt_works sawmill school seaside skating_hall
stables stadium swimming_pool tavern tea_house temple theatre tower_square toy_shop vineyard warehouse waterfall
windmill workshop yacht_club zoo
""")

ANIMALS = word_list("""
adder albatross antelope badger bat bear beaver beetle bison boar bobcat butterfly buzzard camel cheetah cormorant
crane cricket crow cuckoo curlew deer dragonfly eagle elk falcon ferret finch firefly fox frog gecko
gull hare hawk hedgehog heron hornet jackdaw jay kestrel kingfisher ladybird lark lizard lynx magpie marten
mole moose moth mouse newt nightingale osprey otter owl partridge peacock pelican pheasant pigeon plover polecat
quail raccoon rat raven robin salamander shrew skunk snail snake sparrow spider squirrel starling stoat
stork swallow swan swift thrush toad tortoise turtle vole vulture wasp weasel wolf woodpecker wren
""")

SPOTS = word_list("""
behind_the_barn beside_the_road by_the_gate by_the_river in_a_ditch in_a_puddle in_the_grass in_the_hedge in_the_ivy
in_the_mud in_the_shade near_a_haystack near_a_scarecrow near_a_signpost near_the_bridge near_the_tunnel on_a_bench
on_a_boulder on_a_branch on_a_chimney on_a_fence on_a_ladder on_a_log on_a_stump on_the_gravel on_the_path on_the_roof
on_the_steps on_the_wall under_a_bush under_a_cart under_an_oak under_the_arch under_the_ferns
""")

# Sentences that colour a story and decide nothing: they fall on good and bad endings alike.
WEATHER = (
    "Rain fell on the rooftops.", "The wind smelled of salt.", "Mist lay over the valley.", "Snow covered the hills.",
    "The sun was warm and yellow.", "Thunder rolled far away.", "Dry leaves rustled underfoot.",
    "Church bells rang at noon.", "Smoke rose from every chimney.", "The air was fresh and clear.",
    "Puddles shone like mirrors.", "A light breeze moved the curtains.", "The moon was already up.",
    "Frost sparkled along the lane.", "Clouds raced across the sky.", "The street was full of voices.",
    "Somebody played an accordion.", "Children were throwing pebbles.", "The ground was soft and wet.",
    "Fresh bread was cooling nearby.", "A radio hummed in the distance.", "Dust danced between the beams.",
    "Waves slapped against the boards.", "The trees stood bare.", "Blossom drifted down like confetti.",
    "It was a quiet afternoon.", "The crowd moved slowly.", "Lamps glowed behind the shutters.",
    "Sheep grazed on the slope.", "A kettle whistled somewhere.", "The pavement steamed after a shower.",
    "Hail drummed on the tin sheds.", "A rainbow hung above the fields.", "Nobody else was about.",
    "Trains rattled past every hour.", "The stars came out early.", "Ice crackled under their boots.",
    "Pine needles covered the floor.", "The tide was going out.", "Banners fluttered from the balconies.",
)  # fmt: skip

FEELINGS = {
    True: word_list("happy proud calm glad grateful cheerful relieved content"),
    False: word_list("sad angry worried lonely ashamed afraid gloomy bitter"),
}

COLOURS = word_list("""
amber beige black blue bronze brown crimson golden green grey indigo ivory maroon olive orange pink purple red scarlet
silver turquoise violet white yellow
""")
SHAPES = word_list("big cheap curious enormous expensive famous funny little rare simple small strange tiny wonderful")
UNCOLOURED = ("food", "pets", "books", "prizes")  # nobody wants an indigo curry


@dataclass(frozen=True)
class Topic:
    """One kind of wish: things of a kind, what people do with them (verb -> past), how they look, why they matter."""

    name: str
    verbs: dict[str, str]
    things: tuple[str, ...]
    looks: tuple[str, ...]
    causes: tuple[str, ...]


def _topic(name: str, verbs: str, things: str, looks: str, causes: str) -> Topic:
    past = dict(pair.split("/") for pair in verbs.split())
    colours = () if name in UNCOLOURED else COLOURS
    return Topic(name, past, word_list(things), word_list(looks) + colours + SHAPES, word_list(causes))


TOPICS = (
    _topic("house", "buy/bought find/found mend/mended borrow/borrowed",
           """armchair basin basket bathtub blanket bowl broom bucket candle carpet clock couch cradle cupboard curtain
           cushion desk doormat drawer fan fork heater hook jar jug kettle lamp lantern mattress mirror mug oven pan
           pillow plate quilt rug saucepan shelf spoon stool stove table teapot towel tray vase wardrobe""",
           "antique broken chipped cracked dented dusty elegant faded polished rusty square sturdy oval",
           """cold_winter power_cut housewarming_party new_kitchen empty_bedroom summer_guests leaking_roof big_family
           long_evenings burnt_dinner draughty_hall coming_baby cottage_sale moving_day"""),
    _topic("music", "buy/bought find/found borrow/borrowed repair/repaired",
           """accordion banjo bassoon bell bugle cello clarinet cornet cymbal drum fiddle flute gong guitar harmonica harp
           horn lute mandolin oboe organ piano recorder saxophone tambourine triangle trombone trumpet tuba viola violin
           whistle xylophone zither""",
           "battered carved lacquered lovely loud quaint soft tuneful wooden varnished",
           """summer_concert school_play wedding_dance street_parade music_lessons carnival jazz_night talent_show
           lost_orchestra choir_trip midnight_serenade radio_contest"""),
    _topic("food", "make/made buy/bought order/ordered taste/tasted",
           """apple_pie biscuit bun burger cake casserole cheesecake chowder cookie crumpet curry doughnut dumpling goulash
           jam_tart lasagne lemonade loaf muffin noodle_soup omelette pancake pasty pickle pizza pretzel pudding quiche
           salad sandwich sausage scone sherbet stew strudel tart trifle waffle""",
           "buttery creamy crispy delicious fruity hot juicy nutty salty savoury spicy sugary sour",
           """birthday_party harvest_feast hungry_visitors church_picnic cooking_contest lunch_break tea_party family_dinner
           late_breakfast recipe_book charity_stall missed_supper"""),
    _topic("travel", "build/built buy/bought repair/repaired rent/rented",
           """bicycle caravan canoe carriage cart dinghy glider jeep kayak lorry minibus moped motorbike paddle_boat raft
           rowboat sailboat scooter skateboard sled sledge snowmobile tandem tractor tram trailer tricycle truck van
           wagon wheelbarrow yacht""",
           "fast narrow noisy open rattling shabby sleek slow spacious streamlined secondhand",
           """boat_race long_journey river_trip broken_bridge summer_holiday mountain_pass delivery_round closed_railway
           island_tour flooded_road treasure_map winter_rally"""),
    _topic("clothes", "sew/sewed buy/bought find/found borrow/borrowed",
           """apron belt blouse bonnet bracelet brooch cape cap cardigan cloak coat costume dress fleece gown hat
           headscarf helmet hood jacket jersey kilt kimono mask necklace necktie poncho raincoat robe sash scarf shawl
           shirt skirt sweater tunic turban veil vest waistcoat""",
           "baggy checked cosy embroidered itchy knitted linen patched silky striped tight velvet woollen",
           """cold_morning costume_ball mountain_hike job_interview torn_sleeve snowy_walk fashion_show autumn_rain
           royal_visit wedding_photograph graduation theatre_premiere"""),
    _topic("garden", "plant/planted buy/bought find/found sketch/sketched",
           """azalea begonia bluebell buttercup cabbage cactus carnation carrot cherry_tree chestnut_tree clover cucumber
           daffodil dahlia daisy fern_pot fig_tree foxglove geranium hyacinth iris lavender_bush leek lemon_tree lilac
           lily lupin magnolia marigold melon orchid pansy pear_tree peony petunia plum_tree poppy primrose pumpkin
           rhubarb rose sunflower thistle tomato tulip turnip wisteria""",
           "bright dwarf fragrant healthy hardy leafy potted ripe tall thirsty wild",
           """flower_show new_garden empty_yard spring_fair village_contest botany_lesson bare_balcony dry_summer
           garden_party bumblebees herb_book anniversary"""),
    _topic("pets", "catch/caught find/found tame/tamed feed/fed",
           """budgie bulldog bullfinch calf canary chick cockatoo collie donkey duckling foal goat goldfish goose greyhound
           guinea_pig hamster hen kid kitten lamb llama mare mule parrot piglet poodle pony puppy rabbit ram rooster
           sheepdog spaniel stallion terrier turkey""",
           "bold clever fluffy friendly furry hungry lazy playful shaggy sleepy spotted stubborn young",
           """open_gate loud_thunder broken_fence sudden_noise pet_show circus_tour missing_reward worried_owner
           barking_dogs petting_farm snowstorm village_race"""),
    _topic("tools", "buy/bought find/found borrow/borrowed sharpen/sharpened",
           """adze awl axe blade chisel cleaver clipper crowbar cutter dagger file_set garden_fork gouge hacksaw hatchet
           hoe knife lawnmower machete mower needle pair_of_scissors pair_of_shears pencil penknife pickaxe pike plane
           pruner razor saw scalpel scraper scythe sickle spade spear sword trowel""",
           "blunt handy long sharp short solid steel trusty worn",
           """broken_door fallen_tree garden_shed stuck_window overgrown_hedge wood_delivery barn_repair leaking_boat
           fence_posts high_grass carving_class roof_beams"""),
    _topic("books", "find/found buy/bought read/read copy/copied",
           """almanac album atlas autobiography ballad biography calendar catalogue chart comic cookbook diary dictionary
           document essay fable folder handbook journal ledger legend letter logbook manuscript map memoir newspaper
           notebook novel pamphlet poem postcard riddle_book saga scrapbook script scroll songbook telegram
           textbook thriller travel_guide""",
           "anonymous boring brief crumpled detailed exciting forgotten illustrated leather-bound mysterious thick thin torn",
           """history_lesson treasure_hunt family_reunion final_exam reading_club secret_code old_quarrel museum_display
           rainy_weekend royal_archive poetry_evening lost_inheritance"""),
    _topic("toys", "make/made buy/bought find/found mend/mended",
           """acrobat_doll balloon balloon_animal beach_ball board_game boomerang chessboard dart_board dollhouse doll
           frisbee football glove_puppet hobby_horse hoop jigsaw kaleidoscope kite marble model_plane music_box pinwheel
           plastic_dinosaur puppet puzzle racket rattle rocking_horse rubber_duck skipping_rope slingshot spinning_top
           stuffed_bear tennis_ball toy_robot toy_soldier toy_train trampoline whirligig yo-yo""",
           "bouncy colourful glittering handmade magnetic old painted paper plain squeaky wobbly",
           """children's_party kite_festival rainy_holiday sick_grandson playground_opening charity_raffle school_break
           bored_twins snow_day market_stall summer_camp puppet_theatre"""),
    _topic("prizes", "win/won earn/earned",
           """badge certificate crown diploma garland goblet medal plaque ribbon rosette sceptre scholarship shield statue
           throne trophy wreath""",
           "ancient bronze-plated carved coveted gleaming golden grand heavy jewelled official precious shining special",
           """long_training family_tradition marathon spelling_bee chess_tournament swimming_final local_derby
           science_fair debating_match archery_cup village_games"""),
)  # fmt: skip

# Jobs that the planted skew ties to one pronoun (the world itself is balanced).
SKEWED_JOBS = {
    "nurse": "she", "secretary": "she", "florist": "she", "librarian": "she", "dancer": "she", "teacher": "she",
    "engineer": "he", "pilot": "he", "surgeon": "he", "mechanic": "he", "farmer": "he", "builder": "he",
}  # fmt: skip
