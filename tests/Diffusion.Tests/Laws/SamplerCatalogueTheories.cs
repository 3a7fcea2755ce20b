using Xunit;

namespace Diffusion.Tests.Laws;

/// <summary>What theories run over.</summary>
internal static partial class SamplerCatalogue
{
    public static CatalogueEntry Of(string name) => All.Single(entry => entry.Name == name);

    /// <summary>The names of the samplers that a law is about.</summary>
    public static TheoryData<string> Names(Func<CatalogueEntry, bool>? of = null) => new(All.Where(of ?? (_ => true)).Select(entry => entry.Name));

    /// <summary>Those names with every schedule.</summary>
    public static TheoryData<string, string> OnEverySchedule(Func<CatalogueEntry, bool>? of = null)
    {
        var data = new TheoryData<string, string>();
        foreach (var entry in All.Where(of ?? (_ => true)))
            foreach (var schedule in LawSchedules.Names)
                data.Add(entry.Name, schedule);
        return data;
    }
}
