"""The building blocks of the embedded library: what a chemist would take from the shelf.

`CAPS` have one reactive group and end a molecule; `LINKERS` have two and stand in its middle. A key names the reactive
group (or the two of a linker); the names are those of `chemscale.chem.reactions.FUNCTIONAL_GROUPS`. Every block has
exactly the groups it is listed under and no other reactive group outside them.

No block has stereo marks: the library is made of constitutions, a stereocentre stays open. The lists are part of the
library's definition. Adding, removing or moving a block changes the molecule of nearly every index.
"""

_CAP_TEXT: dict[str, str] = {
    "acid": """
        OC(=O)c1ccc(F)cc1 OC(=O)c1cccc(Cl)c1 OC(=O)c1ccc(OC)cc1 OC(=O)c1ccccc1C OC(=O)c1ccc(C(F)(F)F)cc1
        OC(=O)c1cccc(C#N)c1 OC(=O)c1c(F)cccc1F OC(=O)c1ccc(C(C)(C)C)cc1 OC(=O)c1ccc(S(C)(=O)=O)cc1
        OC(=O)c1ccc2OCOc2c1 OC(=O)c1ccc(N(C)C)cc1 OC(=O)c1cc(OC)c(OC)c(OC)c1 OC(=O)c1ccc2ccccc2c1
        OC(=O)c1ccncc1 OC(=O)c1cccc(C)n1 OC(=O)c1cnccn1 OC(=O)c1ccc(C(F)(F)F)nc1 OC(=O)c1ccnc2ccccc12
        OC(=O)c1ccco1 OC(=O)c1sccc1Cl OC(=O)c1cscn1 OC(=O)c1cc(C)on1 OC(=O)c1cn(C)nc1C OC(=O)c1cn(C)c2ccccc12
        OC(=O)c1cc2ccccc2o1 OC(=O)C1CC1 OC(=O)C1CCC1 OC(=O)C1CCCCC1 OC(=O)C1CCOCC1 OC(=O)C1CCCO1
        OC(=O)C1CC(F)(F)C1 OC(=O)C12CC3CC(CC(C3)C1)C2 OC(=O)C(C)C OC(=O)CC(C)(C)C OC(=O)COC OC(=O)CCC(F)(F)F
        OC(=O)Cc1ccc(Cl)cc1 OC(=O)COc1ccccc1 OC(=O)CCc1ccccc1 OC(=O)C1(CC1)c1ccccc1 OC(=O)C1CC(=O)N(C)C1
        OC(=O)c1nnc(C)s1 OC(=O)c1csc2nccn12 OC(=O)C1COc2ccccc2O1
    """,
    "primary amine": """
        NC1CC1 NC1CCCC1 NC1CCCCC1 NCC1CC1 NCC(C)C NC(C)(C)C NCCOC NCC(F)(F)F NC1CCOCC1 NC1COC1 NCC1CCCO1
        NCc1ccccc1 NCc1ccc(F)cc1 NCc1ccccc1Cl NCc1ccc(OC)cc1 NCc1cccc(C(F)(F)F)c1 NC(C)c1ccccc1 NCCc1ccccc1
        NCCc1ccc(OC)c(OC)c1 NCc1cccnc1 NCc1ccco1 NCc1cccs1 NCc1cnn(C)c1 NCc1cnccn1 NCCCN1CCOCC1 NCCN(C)C
        NCCc1cn(C)c2ccccc12 NC1CCc2ccccc12 NCC12CC3CC(CC(C3)C1)C2 NCCS(C)(=O)=O NCc1nc(C)cs1 NCCOc1ccccc1
    """,
    "secondary amine": """
        C1CNCCO1 C1CCNCC1 C1CCNC1 C1CNC1 CC1CCNCC1 FC1(F)CCNCC1 COC1CNC1 O=S1(=O)CCNCC1 CN1CCNCC1 CC(=O)N1CCNCC1
        FC(F)(F)C1CCNCC1 c1ccc(cc1)N1CCNCC1 c1ccc(nc1)N1CCNCC1 c1ccc(cc1)C1CCNCC1 c1ccc2CNCCc2c1 c1ccc2CNCc2c1
        CCNCC CNCc1ccccc1 CNC1CCCCC1 CNCCOC c1ccc(cc1)C1CCCN1 C1CCCNCC1 C1CC2CNCC1O2 C1OCC12CNC2 FC1(F)CCNC1
        C1CC2CC1CN2 c1cc2CNCCc2s1 COC1CCNCC1 C1NCC2CC12 CS(=O)(=O)N1CCNCC1 c1nnc2CNCCn12 CC1CNCC(C)O1
        N#CC1CCNCC1 C1CC2(CNC1)OCCO2 CN(C)C1CCNC1 C1CCC2NCCC2C1
    """,
    "aniline": """
        Nc1ccc(F)cc1 Nc1cccc(Cl)c1 Nc1ccc(OC)cc1 Nc1ccccc1C Nc1cccc(C(F)(F)F)c1 Nc1ccc(C#N)cc1 Nc1ccc2OCOc2c1
        Nc1ccc(OC(F)F)cc1 Nc1cc(C)cc(C)c1 Nc1ccc(N2CCOCC2)cc1 Nc1ccc(F)c(Cl)c1 Nc1ccc(C(C)C)cc1 Nc1cccc(OC)c1
        Nc1cccnc1OC Nc1ccc(C)nc1 Nc1cnn(C)c1 Nc1cc(C)on1 Nc1ccc2ncccc2c1 Nc1ccc(S(C)(=O)=O)cc1 Nc1ccc(C(N)=O)cc1
        Nc1ccc2nc(C)sc2c1 Nc1cccc(NC(C)=O)c1 Nc1ccc(OC(F)(F)F)cc1 Nc1nc(C)cs1
    """,
    "alcohol": """
        OCC1CCC1 OC1CCCC1 OCC(C)(C)C OC1CCOC1 OCCC1CC1 OCC1CCOCC1 OCc1ccc(Cl)cc1 OCCc1cccs1 OCc1cccnc1 OCCN1CCCC1
        OC1CCN(C)CC1 OCc1ccc2OCOc2c1 OCCOCC OC1Cc2ccccc2C1 OCC(F)(F)C OCc1cc(C)no1
    """,
    "phenol": """
        Oc1ccc(F)cc1 Oc1cccc(OC)c1 Oc1ccc(Cl)c(C)c1 Oc1ccccc1C#N Oc1cccnc1 Oc1ccc2ccccc2c1 Oc1ccc(C(C)=O)cc1
        Oc1cccc(C(F)(F)F)c1 Oc1ccc(C(C)(C)C)cc1 Oc1ccc2OC(C)(C)Cc2c1 Oc1cccc2ncccc12 Oc1ccc2ccc(=O)oc2c1
    """,
    "sulfonyl chloride": """
        CS(=O)(=O)Cl O=S(=O)(Cl)C1CC1 CCS(=O)(=O)Cl O=S(=O)(Cl)c1ccc(F)cc1 Cc1ccc(cc1)S(=O)(=O)Cl
        COc1ccc(cc1)S(=O)(=O)Cl O=S(=O)(Cl)c1cccc(Cl)c1 O=S(=O)(Cl)c1ccccc1C(F)(F)F O=S(=O)(Cl)c1cccs1
        O=S(=O)(Cl)c1cccnc1 Cn1cnc(c1)S(=O)(=O)Cl Cc1noc(C)c1S(=O)(=O)Cl O=S(=O)(Cl)c1ccc2OCCOc2c1
        O=S(=O)(Cl)c1cccc2ccccc12 O=S(=O)(Cl)Cc1ccccc1
    """,
    "isocyanate": """
        O=C=NC(C)C O=C=NC1CCCCC1 O=C=NCc1ccccc1 O=C=Nc1ccccc1F O=C=Nc1ccc(Cl)c(Cl)c1 O=C=Nc1ccc(C)cc1
        O=C=Nc1ccc(cc1)C(F)(F)F O=C=Nc1ccccc1OC O=C=Nc1cccc(C#N)c1 O=C=NCC O=C=Nc1ccc(OCC)cc1 O=C=Nc1cccc2ccccc12
    """,
    "aldehyde": """
        O=Cc1ccc(Cl)cc1 O=Cc1cccc(F)c1 O=Cc1ccccc1OC O=Cc1ccc(C(F)(F)F)cc1 O=Cc1ccc(C#N)cc1 O=Cc1ccc(C(C)C)cc1
        O=Cc1ccc2OCCOc2c1 O=Cc1cccnc1C O=Cc1ccncc1 O=Cc1cc(C)n(C)n1 O=Cc1csc(C)n1 O=Cc1ccc(C)o1 O=Cc1ccsc1
        O=Cc1cn(C)cn1 O=CC(C)(C)C O=CC1CCCC1 O=CC1CCCCC1 O=CC1CCOCC1 O=CCCc1ccccc1 O=CCCC O=Cc1cnc2ccccc2c1
        O=Cc1c(F)cccc1Cl O=Cc1cnc(C)nc1 O=Cc1cn2ccccc2n1
    """,
    "ketone": """
        O=C1CCC1 O=C1CCSCC1 O=C1CCC(C)(C)CC1 O=C1CCC(F)(F)CC1 O=C1CCN(CC1)C(C)=O O=C1Cc2ccc(F)cc2C1
    """,
    "activated chloride": """
        Clc1ncccn1 Clc1ccnc(C)n1 Clc1ncnc2ccccc12 Clc1cnccn1 Clc1ccc(C)nn1 Clc1nc2ccccc2s1 Clc1ncc(cc1)C(F)(F)F
        Clc1ncnc2sccc12 Clc1ncc(F)cn1 Clc1ccc2nncn2n1 Clc1ncnc2n(C)ncc12 Clc1nc(C)nc2ccccc12 Clc1ccc(C#N)cn1
        Clc1ncc(cn1)C(F)(F)F Clc1ncnc2n(C)ccc12 Clc1cc(C)nc(C)n1 Clc1nccc2ccccc12 Clc1ncc([N+](=O)[O-])cc1
    """,
    "boronic acid": """
        OB(O)c1ccccc1 OB(O)c1ccc(F)cc1 OB(O)c1cccc(Cl)c1 OB(O)c1ccc(OC)cc1 OB(O)c1ccccc1C OB(O)c1ccc(C(F)(F)F)cc1
        OB(O)c1ccc(C#N)cc1 OB(O)c1ccc2OCOc2c1 OB(O)c1cccc(NC(C)=O)c1 OB(O)c1ccc(S(C)(=O)=O)cc1 OB(O)c1ccc(F)c(C)c1
        OB(O)c1cc(OC)cc(OC)c1 OB(O)c1ccc(C(C)(C)C)cc1 OB(O)c1ccc(OC(F)(F)F)cc1 OB(O)c1c(C)noc1C OB(O)c1cnn(C)c1
        OB(O)c1ccsc1 OB(O)c1ccoc1 OB(O)c1cncc(OC)c1 OB(O)c1ccc(OC)nc1 OB(O)c1cnc(C)nc1 OB(O)c1cc2ccccc2s1
        OB(O)c1ccc2n(C)ccc2c1 OB(O)c1ccc2ccccc2c1 OB(O)c1ccc(N2CCOCC2)cc1 OB(O)c1ccc(C(=O)N(C)C)cc1
        OB(O)c1ccc2n(C)ncc2c1 OB(O)c1cccc2cnccc12 OB(O)c1cnn(CC(C)C)c1 OB(O)c1cc(F)cc(F)c1
    """,
    "aryl bromide": """
        Brc1cccnc1 Brc1ccnc(C)c1 Brc1cncnc1 Brc1cnc(OC)c(F)c1 Brc1ccc(nc1)C(F)(F)F Brc1cncc2ccccc12 Brc1ccc2cccnc2c1
        Brc1nccs1 Brc1cnc(C)s1 Brc1cccs1 Brc1cnn(CC)c1 Brc1ccc2n(C)cnc2c1 Brc1ccc2nc(C)oc2c1 Brc1cnc2ccccn12
        Brc1ccccc1F Brc1cccc(OCC)c1 Brc1ccc(cc1)C(C)=O Brc1ccc(cc1)C1CC1 Brc1cccc(C#N)c1 Brc1ccc(cc1)C(=O)OC
        Brc1ccc2c(c1)CCC2=O Brc1ccc(OC(F)F)cc1 Brc1cnc2n(C)ccc2c1 Brc1ccc(CC)cc1 Brc1ccc(Cl)cc1
        Brc1cc(=O)n(C)cc1
    """,
    "alkyl bromide": """
        BrCc1ccccc1 BrCc1ccc(F)cc1 BrCc1cccc(OC)c1 BrCc1ccc(cc1)C(F)(F)F BrCc1ccccc1C#N BrCC1CC1 BrCC1CCCCC1 BrCCOC
        BrC(C)C BrCCc1ccccc1 BrCC(=O)N1CCCC1 BrCC(=O)OCC BrCc1csc(C)n1 BrCCCC#N BrCc1ccncc1
    """,
    "azide": """
        [N-]=[N+]=NCc1ccccc1 [N-]=[N+]=NCCc1ccccc1 [N-]=[N+]=Nc1ccc(F)cc1 [N-]=[N+]=NC1CCCC1 [N-]=[N+]=NCCOC
        [N-]=[N+]=NCC(=O)OCC [N-]=[N+]=Nc1ccc(OC)cc1 [N-]=[N+]=NCc1cccnc1 [N-]=[N+]=NCC1CCOCC1 [N-]=[N+]=NCc1cccc(Cl)c1
    """,
    "alkyne": """
        C#Cc1ccc(F)cc1 C#Cc1cccc(C)c1 C#Cc1cccnc1 C#CC1CC1 C#CCOC C#CCN1CCOCC1 C#CC(C)(C)C C#CCCc1ccccc1 C#CCOc1ccccc1
        C#Cc1ccsc1 C#CC1CCCCC1 C#Cc1ccc(OC)cc1
    """,
    "azole": """
        c1cc(C)n[nH]1 c1c(C(F)(F)F)n[nH]c1 c1ccc2[nH]ncc2c1 c1cnc[nH]1 c1ccc2[nH]cnc2c1 Cc1n[nH]c(C)c1 c1nc[nH]n1
        Clc1cn[nH]c1 COC(=O)c1cn[nH]c1 Cc1nc2ccccc2[nH]1 c1cnc2[nH]ncc2c1 N#Cc1cn[nH]c1
    """,
    "amidoxime": """
        ON=C(N)c1ccccc1 ON=C(N)c1ccc(Cl)cc1 ON=C(N)c1cccnc1 ON=C(N)C1CC1 ON=C(N)Cc1ccccc1 ON=C(N)c1ccc(OC)cc1
        ON=C(N)C(C)C ON=C(N)c1ccccc1F
    """,
    "bromoketone": """
        BrCC(=O)c1ccccc1 BrCC(=O)c1ccc(F)cc1 BrCC(=O)c1ccc(OC)cc1 BrCC(=O)C(C)(C)C BrCC(=O)C1CC1 BrCC(=O)c1cccs1
        BrCC(=O)c1ccc(Cl)cc1 BrCC(=O)c1ccccn1
    """,
    "thioamide": """
        NC(=S)c1ccccc1 NC(=S)c1cccnc1 NC(=S)C(C)C NC(=S)NC(C)=O NC(=S)Nc1ccccc1 NC(=S)N1CCOCC1 NC(=S)c1ccc(F)cc1
        NC(=S)N(C)C
    """,
    "aminoazine": """
        Nc1ccccn1 Nc1ncccn1 Nc1cc(C)ccn1 Nc1cccc(C)n1 Nc1ccc(F)cn1 Nc1ccc(C(F)(F)F)cn1 Nc1ccc(C#N)cn1 Nc1cnccn1
    """,
    "ortho diamine": """
        CNc1ccccc1N CNc1ccc(F)cc1N CNc1ccc(C(F)(F)F)cc1N CC(C)Nc1ccccc1N CNc1ncccc1N C1CC1CNc1ccc(cc1N)C#N
    """,
    "thiol": """
        Sc1ncccn1 Sc1nnc(C)s1 Sc1nc2ccccc2s1 Sc1nncn1C Sc1ccc(F)cc1 Sc1nc2ccccc2o1 Sc1ccncc1 Sc1nc2ccccc2n1C
    """,
}

_LINKER_TEXT: dict[tuple[str, str], str] = {
    ("aryl bromide", "acid"): """
        OC(=O)c1ccc(Br)cc1 OC(=O)c1cccc(Br)c1 OC(=O)c1cncc(Br)c1 OC(=O)c1ccc(Br)s1 OC(=O)c1cccc(Br)n1
        OC(=O)Cc1ccc(Br)cc1 OC(=O)c1cc(Br)ccc1F OC(=O)c1ccc(Br)o1 OC(=O)c1cnc(Br)s1 OC(=O)c1ccc(C)c(Br)c1
        OC(=O)c1cc(Br)n(C)n1 OC(=O)c1cc(Br)ccc1OC OC(=O)C1(CC1)c1ccc(Br)cc1 OC(=O)COc1cccc(Br)c1
    """,
    ("aryl bromide", "primary amine"): """
        NCc1ccc(Br)cc1 NCc1cccc(Br)c1 NCCc1ccc(Br)cc1 NCc1cncc(Br)c1 NCc1ccc(Br)s1 NC(C)c1cccc(Br)c1 NCc1cc(Br)ccc1F
    """,
    ("aryl bromide", "secondary amine"): """
        Brc1ccc2CNCCc2c1 Brc1ccc2CNCc2c1 Brc1ccc(cc1)C1CCNCC1 Brc1cccc(c1)C1CCCN1 CNCc1cccc(Br)c1 Brc1cnc2CNCCc2c1
    """,
    ("aryl bromide", "aniline"): """
        Nc1ccc(Br)cc1 Nc1cccc(Br)c1 Nc1cncc(Br)c1 Nc1ccc(Br)cc1F Nc1ccc(C)c(Br)c1 Nc1cc(Br)cc(c1)C(F)(F)F
    """,
    ("aryl bromide", "aldehyde"): """
        O=Cc1ccc(Br)cc1 O=Cc1cccc(Br)c1 O=Cc1ccc(Br)s1 O=Cc1cc(Br)cs1 O=Cc1ccc(Br)o1 O=Cc1cc(Br)ccc1F O=Cc1cncc(Br)c1
    """,
    ("aryl bromide", "phenol"): """
        Oc1ccc(Br)cc1 Oc1cccc(Br)c1 Oc1cncc(Br)c1 Oc1ccc2cc(Br)ccc2c1 Oc1ccc(Br)cc1F
    """,
    ("aryl bromide", "sulfonyl chloride"): """
        O=S(=O)(Cl)c1ccc(Br)cc1 O=S(=O)(Cl)c1cccc(Br)c1 O=S(=O)(Cl)c1ccc(Br)s1 O=S(=O)(Cl)c1cncc(Br)c1
    """,
    ("aryl bromide", "activated chloride"): """
        Clc1ncc(Br)cn1 Clc1ccc(Br)cn1 Clc1ncnc2ccc(Br)cc12 Clc1ncnc2cc(Br)sc12 Clc1ncc(Br)s1 Clc1cc(Br)ccn1
    """,
    ("aryl bromide", "azole"): """
        Brc1cn[nH]c1 Brc1ccc2[nH]ncc2c1 Brc1cnc2[nH]ncc2c1 Brc1nc[nH]n1 Brc1cnc[nH]1
    """,
    ("aryl bromide", "aminoazine"): "Nc1ccc(Br)cn1 Nc1ncc(Br)cn1 Nc1cc(Br)ccn1 Nc1cnc(Br)cn1",
    ("aryl bromide", "bromoketone"): "BrCC(=O)c1ccc(Br)cc1 BrCC(=O)c1cccc(Br)c1 BrCC(=O)c1ccc(Br)s1",
    ("aryl bromide", "alkyl bromide"): "BrCc1ccc(Br)cc1 BrCc1cccc(Br)c1 BrCc1ccc(Br)cc1F",
    ("aryl bromide", "alcohol"): "OCc1cc(Br)cnc1 OC1CCc2cc(Br)ccc12 OCCc1cccc(Br)c1",
    ("aryl bromide", "ortho diamine"): "CNc1ccc(Br)cc1N CNc1cc(Br)ccc1N CNc1ncc(Br)cc1N",
    ("acid", "secondary amine"): """
        OC(=O)C1CCNCC1 OC(=O)C1CCCNC1 OC(=O)C1CCCN1 OC(=O)C1CNC1 OC(=O)CC1CCNCC1 CNCC(=O)O OC(=O)C1CCNC1
        OC(=O)C1Cc2ccccc2CN1 OC(=O)C1COCCN1 OC(=O)CC1CNC1 OC(=O)c1ccc(cc1)C1CCNCC1
    """,
    ("acid", "primary amine"): """
        NCC(=O)O NCCC(=O)O CC(N)C(=O)O CC(C)C(N)C(=O)O NC(Cc1ccccc1)C(=O)O NCc1ccc(cc1)C(=O)O NCC1CCC(CC1)C(=O)O
        NCCCC(=O)O CC(C)(N)C(=O)O NC12CC(C1)(C2)C(=O)O NC(c1ccccc1)C(=O)O CC(C)CC(N)C(=O)O NC1CCCC(C1)C(=O)O
    """,
    ("acid", "aniline"): """
        Nc1ccc(cc1)C(=O)O Nc1cccc(c1)C(=O)O Nc1ccc(CC(=O)O)cc1 Nc1cc(ccc1C)C(=O)O Nc1cc(C(=O)O)n(C)c1
        Nc1cncc(c1)C(=O)O Nc1cc(F)cc(c1)C(=O)O Nc1ccc(OCC(=O)O)cc1
    """,
    ("acid", "aldehyde"): "O=Cc1ccc(cc1)C(=O)O O=Cc1cccc(c1)C(=O)O O=Cc1ccc(o1)C(=O)O",
    ("acid", "ketone"): "OC(=O)C1CC(=O)C1 OC(=O)C1CCC(=O)CC1",
    (
        "acid",
        "phenol",
    ): "OC(=O)c1ccc(O)cc1 OC(=O)c1cccc(O)c1 OC(=O)Cc1ccc(O)cc1 OC(=O)c1cncc(O)c1 OC(=O)c1ccc(O)c(OC)c1",
    ("acid", "alcohol"): "OCc1ccc(cc1)C(=O)O OCC1CCC(CC1)C(=O)O",
    ("acid", "boronic acid"): "OB(O)c1ccc(cc1)C(=O)O OB(O)c1cccc(c1)C(=O)O OB(O)c1ccc(F)c(c1)C(=O)O",
    ("acid", "activated chloride"): """
        OC(=O)c1ccc(Cl)nc1 OC(=O)c1cnc(Cl)nc1 OC(=O)c1ccc(Cl)nn1 OC(=O)c1cnc(Cl)cn1 OC(=O)c1ccnc(Cl)c1
    """,
    (
        "acid",
        "sulfonyl chloride",
    ): "OC(=O)c1ccc(cc1)S(=O)(=O)Cl OC(=O)c1cccc(c1)S(=O)(=O)Cl OC(=O)c1ccc(C)c(c1)S(=O)(=O)Cl",
    ("acid", "alkyl bromide"): "OC(=O)c1ccc(CBr)cc1 OC(=O)CBr OC(=O)CCCBr OC(=O)c1cccc(CBr)c1",
    ("acid", "azole"): "OC(=O)c1cn[nH]c1 OC(=O)c1n[nH]c2ccccc12 OC(=O)c1ccc2[nH]ncc2c1 OC(=O)c1cc(C)[nH]n1",
    ("acid", "azide"): "OC(=O)CN=[N+]=[N-] OC(=O)c1ccc(cc1)N=[N+]=[N-] OC(=O)c1ccc(CN=[N+]=[N-])cc1",
    ("acid", "alkyne"): "OC(=O)CCC#C OC(=O)c1cccc(C#C)c1 OC(=O)COCC#C",
    ("acid", "bromoketone"): "OC(=O)c1ccc(cc1)C(=O)CBr OC(=O)CCC(=O)CBr OC(=O)CC(=O)CBr OC(=O)C(=O)CBr",
    ("acid", "ortho diamine"): "CNc1ccc(cc1N)C(=O)O CNc1cc(ccc1N)C(=O)O",
    ("acid", "aminoazine"): "Nc1ccc(cn1)C(=O)O Nc1cc(ccn1)C(=O)O Nc1ncc(cn1)C(=O)O",
    ("acid", "thiol"): "OC(=O)c1ccc(S)cc1 OC(=O)c1cccnc1S OC(=O)c1ccc(S)nc1",
    ("secondary amine", "secondary amine"): "C1CNCCN1 C1CNCCNC1 C1NCC12CNC2 C1NCC2C1CNC2",
    ("primary amine", "secondary amine"): """
        NCC1CCNCC1 NC1CCNCC1 NC1CCNC1 NC1CNC1 NCC1CCNC1 NCC1CNCCO1 NC1C2CNCC12 NCC1(F)CCNCC1
    """,
    ("aniline", "secondary amine"): "Nc1ccc2CNCc2c1 Nc1ccc2CNCCc2c1 Nc1ccc(cc1)C1CCNCC1 CNCc1cccc(N)c1",
    ("aniline", "primary amine"): "NCc1ccc(N)cc1 NCc1cccc(N)c1 NCCc1ccc(N)cc1",
    ("phenol", "primary amine"): "NCCc1ccc(O)cc1 NCc1cccc(O)c1 NC(C)c1ccc(O)cc1",
    ("phenol", "secondary amine"): "Oc1ccc(cc1)C1CCNCC1 Oc1ccc2CNCCc2c1 CNCc1ccc(O)cc1",
    ("phenol", "aniline"): "Nc1ccc(O)cc1 Nc1cccc(O)c1 Nc1ccc(O)cc1F",
    ("phenol", "aldehyde"): "O=Cc1ccc(O)cc1 O=Cc1cccc(O)c1 O=Cc1ccc(O)c(OC)c1 O=Cc1ccc(O)c(F)c1",
    ("alcohol", "secondary amine"): "OC1CCNCC1 OCC1CCNCC1 OC1CNC1 OCC1CCCN1 OC1CCNC1",
    ("alcohol", "primary amine"): "NCCO NC1CCC(O)CC1 NC(CO)c1ccccc1",
    ("alcohol", "activated chloride"): "OCc1ccc(Cl)nc1 OCc1cnc(Cl)nc1",
    ("boronic acid", "aldehyde"): "OB(O)c1ccc(C=O)cc1 OB(O)c1cccc(C=O)c1",
    ("boronic acid", "aniline"): "OB(O)c1cccc(N)c1 OB(O)c1ccc(N)c(OC)c1",
    ("boronic acid", "primary amine"): "OB(O)c1ccc(CN)cc1 OB(O)c1cccc(CN)c1",
    ("boronic acid", "phenol"): "OB(O)c1ccc(O)cc1 OB(O)c1cccc(O)c1",
    ("activated chloride", "aldehyde"): "O=Cc1ccc(Cl)nc1 O=Cc1cnc(Cl)nc1",
    ("activated chloride", "aniline"): "Nc1cc(C)c(Cl)nc1 Nc1cccc2c(Cl)nccc12",
    ("activated chloride", "sulfonyl chloride"): "O=S(=O)(Cl)c1ccc(Cl)nc1",
    ("azide", "primary amine"): "NCCCN=[N+]=[N-] NCCN=[N+]=[N-] NCc1ccc(cc1)N=[N+]=[N-]",
    ("azide", "secondary amine"): "[N-]=[N+]=NC1CCNCC1 [N-]=[N+]=NC1CNC1 [N-]=[N+]=NC1CCNC1",
    ("alkyne", "primary amine"): "C#CCN C#Cc1ccc(CN)cc1",
    ("alkyne", "secondary amine"): "CNCC#C C#CC1CCNCC1",
    ("alkyne", "aniline"): "C#Cc1cccc(N)c1 C#Cc1ccc(N)cc1",
    ("azole", "secondary amine"): "C1NCc2cn[nH]c2C1 c1c(C2CCNCC2)n[nH]c1 C1CNCc2n[nH]cc12",
    ("azole", "aldehyde"): "O=Cc1cn[nH]c1 O=Cc1ccc2[nH]ncc2c1",
    ("azole", "aniline"): "Nc1ccc2[nH]ncc2c1 Nc1ccc2[nH]cnc2c1",
    ("thioamide", "secondary amine"): "NC(=S)C1CCNCC1 NC(=S)C1CCCN1 NC(=S)C1CNC1 NC(=S)C1CCCNC1",
    ("amidoxime", "secondary amine"): "ON=C(N)C1CCNCC1 ON=C(N)C1CNC1 ON=C(N)C1CCCN1",
    ("thioamide", "acid"): "NC(=S)c1ccc(cc1)C(=O)O NC(=S)CC(=O)O",
    ("bromoketone", "azole"): "BrCC(=O)c1cn[nH]c1",
    ("ketone", "secondary amine"): "O=C1CCNCC1 O=C1CCNC1 O=C1CCCNCC1",
    ("sulfonyl chloride", "aldehyde"): "O=Cc1ccc(cc1)S(=O)(=O)Cl",
    ("thiol", "aniline"): "Nc1ccc(S)cc1 Nc1cccc(S)c1",
}

CAPS: dict[str, tuple[str, ...]] = {group: tuple(text.split()) for group, text in _CAP_TEXT.items()}
LINKERS: dict[tuple[str, str], tuple[str, ...]] = {groups: tuple(text.split()) for groups, text in _LINKER_TEXT.items()}
