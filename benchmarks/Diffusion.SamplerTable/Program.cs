// dotnet run -c Release --project benchmarks/Diffusion.SamplerTable [-- --check] [--only NAME;NAME…] [--docs FOLDER]
// Writes the tables of docs/samplers.md and the figure beside it. With --check it writes nothing and exits with 1 where the file says otherwise.
return Diffusion.SamplerTable.Command.Run(args, Console.Out);
